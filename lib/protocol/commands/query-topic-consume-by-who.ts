import { command, resourceName } from '../command.ts'

/** 300: groups that consume a topic: a GroupList in the body of the answer. */
export const queryTopicConsumeByWho = command({
  code: 300,
  name: 'QUERY_TOPIC_CONSUME_BY_WHO',
  request: { topic: resourceName },
})
