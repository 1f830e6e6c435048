import { handler, ResponseError, reply } from '../../net/handler.ts'
import { type ConsumeQueueData, encodeQueryConsumeQueue } from '../../protocol/bodies/consume-queue-data.ts'
import type { SubscriptionData } from '../../protocol/bodies/subscription-data.ts'
import { queryConsumeQueue } from '../../protocol/commands/query-consume-queue.ts'
import type { QueueEntry } from '../../store/message-store.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { QueueEntryReader, QueueReader } from '../queue-reader.ts'

/** Filters of groups as tools read them. */
interface FilterTexts {
  describe(topic: string, group: string): string | undefined
}

const SUBSCRIBE_ALL = '*'

/** Whether the broker would let the entry through to the group. */
const passes = (entry: QueueEntry, subscription: SubscriptionData | undefined): boolean =>
  subscription !== undefined &&
  subscription.expressionType === 'TAG' &&
  (subscription.subString === SUBSCRIBE_ALL || subscription.codeSet.includes(Number(entry.tagsCode)))

const entryData = (entry: QueueEntry, isPassed: boolean): ConsumeQueueData => ({
  physicOffset: entry.physicalOffset,
  physicSize: entry.sizeBytes,
  tagsCode: entry.tagsCode,
  eval: isPassed,
})

/** What a group would see of a queue, as the answer's fields. */
const filterOf = (subscription: SubscriptionData | undefined, group: string, topic: string, filters: FilterTexts) =>
  subscription === undefined
    ? { filterData: `${group}@${topic} is not online!` }
    : { subscriptionData: subscription, filterData: filters.describe(topic, group) ?? 'null' }

/**
 * Entries of one queue from an index on, at most 4,096. As Java's, they say whether they pass a group's tags only where
 * entries have units in extension files.
 */
export const queryConsumeQueueHandler = (
  queues: Pick<QueueReader, 'range'> & QueueEntryReader,
  consumers: { subscription(group: string, topic: string): SubscriptionData | undefined },
  filters: FilterTexts,
  config: BrokerConfig,
) =>
  handler(queryConsumeQueue, ({ topic = '', queueId, index, count, consumerGroup }) => {
    const entries = queues.entries(topic, queueId, index, count)
    if (entries === undefined) throw new ResponseError('SYSTEM_ERROR', `${queueId}@${topic} is not exist!`)
    const hasUnits = config.current.store.consumeQueueExt.enabled
    const { min, max } = queues.range(topic, queueId)
    const subscription = consumerGroup === undefined ? undefined : consumers.subscription(consumerGroup, topic)
    const body = encodeQueryConsumeQueue({
      ...(consumerGroup === undefined ? {} : filterOf(subscription, consumerGroup, topic, filters)),
      queueData: entries.map((entry) => entryData(entry, hasUnits && passes(entry, subscription))),
      maxQueueIndex: max,
      minQueueIndex: min,
    })
    const outside = index < min || index >= max
    const remark = `Index ${index} of ${queueId}@${topic} is not exist!`
    return reply({}, { body, ...(outside ? { remark } : {}) })
  })
