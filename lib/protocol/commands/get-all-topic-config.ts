import { command } from '../command.ts'

/** 21: all topics of a broker: a TopicConfigSerializeWrapper in the body of the answer. */
export const getAllTopicConfig = command({
  code: 21,
  name: 'GET_ALL_TOPIC_CONFIG',
})
