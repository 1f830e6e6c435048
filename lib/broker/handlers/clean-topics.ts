import type { Logger } from '../../base/logging.ts'
import { type Handler, handler } from '../../net/handler.ts'
import { cleanExpiredConsumeQueue } from '../../protocol/commands/clean-expired-consume-queue.ts'
import { cleanUnusedTopic } from '../../protocol/commands/clean-unused-topic.ts'
import { isLmqName, SystemTopic } from '../../protocol/names.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { QueueReader } from '../queue-reader.ts'
import type { TopicReader } from '../topics/topic-table.ts'

/** What removing queues that nobody needs takes. */
export interface CleanParts {
  readonly store: Pick<MessageStore, 'queues' | 'removeTopic'>
  readonly topics: TopicReader
  readonly queues: Pick<QueueReader, 'range'>
  readonly logger: Logger
}

/** Topics that may have queues without standing in the table. */
const isKept = (topic: string): boolean =>
  topic === SystemTopic.SCHEDULE || topic === SystemTopic.TRANS_OP_HALF || isLmqName(topic)

/** Topics with queues on disk that the table does not have, with their queue ids. */
const unusedTopics = ({ store, topics }: CleanParts): Map<string, number[]> => {
  const unused = new Map<string, number[]>()
  for (const { topic, queueId } of store.queues()) {
    if (topics.get(topic) !== undefined || isKept(topic)) continue
    const queueIds = unused.get(topic)
    if (queueIds === undefined) unused.set(topic, [queueId])
    else queueIds.push(queueId)
  }
  return unused
}

const removeAll = async ({ store, logger }: CleanParts, topics: Iterable<string>): Promise<void> => {
  for (const topic of topics) {
    await store.removeTopic(topic)
    logger.info({ topic }, 'queues of a topic that no longer exists removed')
  }
}

/**
 * Queues that are no longer needed: of topics that do not exist (316), and of those only the ones without any message
 * left in the log (306). Queue files below the log's first message go by themselves, so that a topic that exists never
 * begins at offset 0 again because of a cleaning.
 */
export const cleanTopicHandlers = (parts: CleanParts): Handler[] => [
  handler(cleanUnusedTopic, async () => {
    await removeAll(parts, unusedTopics(parts).keys())
    return {}
  }),
  handler(cleanExpiredConsumeQueue, async () => {
    const isEmpty = (topic: string, queueId: number): boolean => {
      const { min, max } = parts.queues.range(topic, queueId)
      return min >= max
    }
    const expired = [...unusedTopics(parts)].filter(([topic, ids]) => ids.every((queueId) => isEmpty(topic, queueId)))
    await removeAll(
      parts,
      expired.map(([topic]) => topic),
    )
    return {}
  }),
]
