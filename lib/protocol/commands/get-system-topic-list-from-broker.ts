import { command } from '../command.ts'

/** 305: system topics of a broker: a TopicList in the body of the answer. */
export const getSystemTopicListFromBroker = command({
  code: 305,
  name: 'GET_SYSTEM_TOPIC_LIST_FROM_BROKER',
})
