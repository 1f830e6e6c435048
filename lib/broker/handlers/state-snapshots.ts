import { type Handler, handler, reply } from '../../net/handler.ts'
import { getAllConsumerOffset } from '../../protocol/commands/get-all-consumer-offset.ts'
import { getAllDelayOffset } from '../../protocol/commands/get-all-delay-offset.ts'
import { getAllSubscriptionGroupConfig } from '../../protocol/commands/get-all-subscription-group-config.ts'
import { getAllTopicConfig } from '../../protocol/commands/get-all-topic-config.ts'

/** A table that can be written as its file's JSON. */
export interface Snapshot {
  encode(pretty: boolean): Buffer
}

/** The broker's state files as slaves and tools copy them: codes 21, 201, 43 and 45. */
export const stateSnapshotHandlers = (tables: {
  readonly topics: Snapshot
  readonly groups: Snapshot
  readonly offsets: Snapshot
  readonly delayOffsets: Snapshot
}): Handler[] => [
  handler(getAllTopicConfig, () => reply({}, { body: tables.topics.encode(false) })),
  handler(getAllSubscriptionGroupConfig, () => reply({}, { body: tables.groups.encode(false) })),
  handler(getAllConsumerOffset, () => reply({}, { body: tables.offsets.encode(false) })),
  handler(getAllDelayOffset, () => reply({}, { body: tables.delayOffsets.encode(false) })),
]
