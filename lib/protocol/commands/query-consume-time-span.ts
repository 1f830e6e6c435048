import { command, resourceName } from '../command.ts'

/** 303: oldest, newest and consumed times of the queues of a topic. */
export const queryConsumeTimeSpan = command({
  code: 303,
  name: 'QUERY_CONSUME_TIME_SPAN',
  request: { topic: resourceName, group: resourceName },
})
