import { handler } from '../../net/handler.ts'
import type { SubscriptionGroupConfig } from '../../protocol/bodies/subscription-group.ts'
import { unregisterClient } from '../../protocol/commands/unregister-client.ts'
import type { ClientIdentity } from '../clients.ts'

/** What leaving groups needs. */
export interface Departure {
  readonly producers: { unregister(client: ClientIdentity, group: string): void }
  readonly consumers: { unregister(client: ClientIdentity, group: string, notify: boolean): void }
  readonly groups: { get(group: string): SubscriptionGroupConfig | undefined }
}

/** Takes a client out of the groups it names; the members that stay are told. */
export const unregisterClientHandler = ({ producers, consumers, groups }: Departure) =>
  handler(unregisterClient, ({ clientID, producerGroup, consumerGroup }, { connection, request }) => {
    const client = { connection, clientId: clientID, language: request.language, version: request.version }
    if (producerGroup !== undefined) producers.unregister(client, producerGroup)
    if (consumerGroup !== undefined) {
      const notify = groups.get(consumerGroup)?.notifyConsumerIdsChangedEnable ?? true
      consumers.unregister(client, consumerGroup, notify)
    }
    return {}
  })
