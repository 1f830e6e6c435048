import { handler, ResponseError } from '../../net/handler.ts'
import { queryConsumerOffset } from '../../protocol/commands/query-consumer-offset.ts'
import type { OffsetReader } from '../offsets/consumer-offsets.ts'
import type { QueueReader } from '../queue-reader.ts'

/** Answers with the stored offset, or 0 for a group that can still read the queue from its first message in memory. */
export const queryConsumerOffsetHandler = (offsets: OffsetReader, queues: Pick<QueueReader, 'startsInMemory'>) =>
  handler(queryConsumerOffset, ({ consumerGroup, topic, queueId, setZeroIfNotFound = true }) => {
    const stored = offsets.find(consumerGroup, topic, queueId)
    if (stored !== undefined && stored >= 0) return { offset: stored }
    if (setZeroIfNotFound && queues.startsInMemory(topic, queueId)) return { offset: 0 }
    throw new ResponseError('QUERY_NOT_FOUND', 'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first')
  })
