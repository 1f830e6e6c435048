import { command } from '../command.ts'

/** 206: all topics a name server knows: a TopicList in the body of the answer. */
export const getAllTopicListFromNameserver = command({
  code: 206,
  name: 'GET_ALL_TOPIC_LIST_FROM_NAMESERVER',
})
