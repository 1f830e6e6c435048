import { handler } from '../../net/handler.ts'
import { deleteTopicInBroker } from '../../protocol/commands/delete-topic-in-broker.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { refuseOnSlave } from './refusals.ts'
import { checkOwnTopic, type TopicEditor } from './update-topic.ts'

/**
 * @param forget takes what other parts know of a topic by its name
 *
 * Forgets a topic and removes its queues; one that is not there is no error. Its messages stay in the log until their
 * time is over, but a topic of that name begins at offset 0 again.
 */
export const deleteTopicHandler = (
  topics: TopicEditor,
  store: Pick<MessageStore, 'removeTopic'>,
  config: BrokerConfig,
  forget: (topic: string) => void,
) =>
  handler(deleteTopicInBroker, async ({ topic }) => {
    refuseOnSlave(config)
    checkOwnTopic(topics, topic)
    topics.delete(topic)
    forget(topic)
    await topics.flush()
    await store.removeTopic(topic)
    return {}
  })
