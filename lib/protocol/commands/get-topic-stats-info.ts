import { command, resourceName } from '../command.ts'

/** 202: offsets and last times of the queues of a topic: a TopicStatsTable in the body of the answer. */
export const getTopicStatsInfo = command({
  code: 202,
  name: 'GET_TOPIC_STATS_INFO',
  request: { topic: resourceName },
})
