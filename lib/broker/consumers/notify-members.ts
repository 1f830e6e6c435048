import type { Connection } from '../../net/connection.ts'
import { encodeHeader } from '../../protocol/command.ts'
import { notifyConsumerIdsChanged } from '../../protocol/commands/notify-consumer-ids-changed.ts'

/** Tells members, oneway, that their group changed. */
export const notifyMembers = (group: string, members: Iterable<Connection>): void => {
  const { code, request } = notifyConsumerIdsChanged
  const extFields = encodeHeader(request, { consumerGroup: group })
  for (const connection of members) connection.oneway({ code, extFields })
}
