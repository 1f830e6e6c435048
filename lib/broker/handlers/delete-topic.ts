import { handler } from '../../net/handler.ts'
import { deleteTopicInBroker } from '../../protocol/commands/delete-topic-in-broker.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { refuseOnSlave } from './refusals.ts'
import { checkOwnTopic, type TopicEditor } from './update-topic.ts'

/** Forgets a topic; one that is not there is no error. Its messages stay in the log until their time is over. */
export const deleteTopicHandler = (topics: TopicEditor, config: BrokerConfig) =>
  handler(deleteTopicInBroker, async ({ topic }) => {
    refuseOnSlave(config)
    checkOwnTopic(topics, topic)
    topics.delete(topic)
    await topics.flush()
    return {}
  })
