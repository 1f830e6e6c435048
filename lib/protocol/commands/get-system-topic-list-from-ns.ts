import { command } from '../command.ts'

/** 304: cluster and broker names a name server knows, as a TopicList with one broker address. */
export const getSystemTopicListFromNs = command({
  code: 304,
  name: 'GET_SYSTEM_TOPIC_LIST_FROM_NS',
})
