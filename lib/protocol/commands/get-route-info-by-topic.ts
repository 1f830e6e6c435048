import { bool, command, optional, resourceName } from '../command.ts'

/** 105: which brokers have a topic: TopicRouteData in the body of the answer. */
export const getRouteInfoByTopic = command({
  code: 105,
  name: 'GET_ROUTEINFO_BY_TOPIC',
  request: { topic: resourceName, acceptStandardJsonOnly: optional(bool, false) },
})
