import { command, resourceName } from '../command.ts'

/** 351: settings of one topic (5.x): a TopicConfigAndQueueMapping in the body of the answer. */
export const getTopicConfig = command({
  code: 351,
  name: 'GET_TOPIC_CONFIG',
  request: { topic: resourceName },
})
