import { stringifyJava } from '../../base/java-json.ts'
import { type Handler, handler, ResponseError, reply } from '../../net/handler.ts'
import { encodeGroupList, encodeTopicList } from '../../protocol/bodies/lists.ts'
import { encodeTopicStats } from '../../protocol/bodies/stats.ts'
import { topicConfigJson } from '../../protocol/bodies/topic-config.ts'
import { getSystemTopicListFromBroker } from '../../protocol/commands/get-system-topic-list-from-broker.ts'
import { getTopicConfig } from '../../protocol/commands/get-topic-config.ts'
import { getTopicStatsInfo } from '../../protocol/commands/get-topic-stats-info.ts'
import { queryTopicConsumeByWho } from '../../protocol/commands/query-topic-consume-by-who.ts'
import type { QueueReader } from '../queue-reader.ts'
import type { SystemTopics } from '../topics/system-topics.ts'
import type { TopicReader } from '../topics/topic-table.ts'

/** What questions about topics need. */
export interface TopicQuestions {
  readonly brokerName: string
  readonly topics: TopicReader & { readonly system: SystemTopics }
  readonly queues: QueueReader
  /** Groups that are connected, and groups that have offsets. */
  readonly consumers: { groupsOf(topic: string): string[] }
  readonly offsets: { groupsOf(topic: string): string[] }
}

const topicStatsHandler = ({ brokerName, topics, queues }: TopicQuestions) =>
  handler(getTopicStatsInfo, async ({ topic }) => {
    const config = topics.get(topic)
    if (config === undefined) throw new ResponseError('TOPIC_NOT_EXIST', `topic[${topic}] not exist`)
    const ranges = Array.from({ length: config.writeQueueNums }, (_, queueId) => queues.range(topic, queueId))
    const last = ranges.map(({ max }, queueId) => ({ queueId, queueOffset: max - 1 }))
    const times = await queues.storeTimes(topic, last)
    const offsetTable = new Map(
      ranges.map(({ min, max }, queueId) => [
        { topic, brokerName, queueId },
        { minOffset: min, maxOffset: max, lastUpdateTimestamp: max > 0 ? times[queueId]! : 0 },
      ]),
    )
    return reply({}, { body: encodeTopicStats({ offsetTable }) })
  })

const topicConfigHandler = (topics: TopicReader) =>
  handler(getTopicConfig, ({ topic }) => {
    const config = topics.get(topic)
    if (config === undefined) throw new ResponseError('TOPIC_NOT_EXIST', `No topic in this broker. topic: ${topic}`)
    return reply({}, { body: Buffer.from(stringifyJava(topicConfigJson(config))) })
  })

/** What tools ask about topics: codes 202, 300, 305 and 351. */
export const topicQueryHandlers = (questions: TopicQuestions): Handler[] => [
  topicStatsHandler(questions),
  topicConfigHandler(questions.topics),
  handler(queryTopicConsumeByWho, ({ topic }) => {
    const groups = new Set([...questions.consumers.groupsOf(topic), ...questions.offsets.groupsOf(topic)])
    return reply({}, { body: encodeGroupList({ groupList: [...groups] }) })
  }),
  handler(getSystemTopicListFromBroker, () =>
    reply({}, { body: encodeTopicList({ topicList: questions.topics.system.names }) }),
  ),
]
