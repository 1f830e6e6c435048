import { stringifyJava } from '../../base/java-json.ts'
import { type Handler, handler, reply } from '../../net/handler.ts'
import { encodeTopicList } from '../../protocol/bodies/lists.ts'
import type { SubscriptionData } from '../../protocol/bodies/subscription-data.ts'
import { querySubscriptionByConsumer } from '../../protocol/commands/query-subscription-by-consumer.ts'
import { queryTopicsByConsumer } from '../../protocol/commands/query-topics-by-consumer.ts'

/** What tools of 5.x ask about groups: codes 343 (topics with offsets) and 345 (what it wants of a topic, when connected). */
export const groupQueryHandlers = ({
  brokerAddr,
  offsets,
  consumers,
}: {
  readonly brokerAddr: string
  readonly offsets: { topicsOf(group: string): string[] }
  readonly consumers: { subscription(group: string, topic: string): SubscriptionData | undefined }
}): Handler[] => [
  handler(queryTopicsByConsumer, ({ group }) =>
    reply({}, { body: encodeTopicList({ topicList: offsets.topicsOf(group), brokerAddr }) }),
  ),
  handler(querySubscriptionByConsumer, ({ group, topic }) => {
    const subscriptionData = consumers.subscription(group, topic)
    return reply({}, { body: Buffer.from(stringifyJava({ group, topic, subscriptionData })) })
  }),
]
