import { command, optional, resourceName, string } from '../command.ts'

/** 208: how far a group is in its topics: ConsumeStats in the body of the answer. */
export const getConsumeStats = command({
  code: 208,
  name: 'GET_CONSUME_STATS',
  request: { consumerGroup: resourceName, topic: optional(string), topicList: optional(string) },
})
