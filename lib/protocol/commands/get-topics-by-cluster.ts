import { command, string } from '../command.ts'

/** 224: topics of one cluster: a TopicList in the body of the answer. */
export const getTopicsByCluster = command({
  code: 224,
  name: 'GET_TOPICS_BY_CLUSTER',
  request: { cluster: string },
})
