import { command, string } from '../command.ts'

/** 217, since 5.0: a broker tells a name server of one topic; the body is a TopicRouteData with its queues. */
export const registerTopicInNamesrv = command({
  code: 217,
  name: 'REGISTER_TOPIC_IN_NAMESRV',
  request: { topic: string },
  response: {},
})
