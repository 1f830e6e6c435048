import { handler, ResponseError, reply } from '../../net/handler.ts'
import { encodeTopicRoute, STANDARD_JSON_SINCE_VERSION } from '../../protocol/bodies/topic-route.ts'
import { getRouteInfoByTopic } from '../../protocol/commands/get-route-info-by-topic.ts'
import { ORDER_TOPIC_NAMESPACE } from '../../protocol/names.ts'
import type { KvConfig } from '../kv-config.ts'
import type { NamesrvConfig } from '../namesrv-config.ts'
import type { RouteTables } from '../route-tables.ts'

/** Where Java's clients send their users. */
const HELP = '\nSee http://rocketmq.apache.org/docs/faq/ for further details.'

/** Answers with the brokers and queues of a topic, in standard JSON for those who can read it, or TOPIC_NOT_EXIST. */
export const getRouteInfoByTopicHandler = (routes: RouteTables, kvConfig: KvConfig, config: NamesrvConfig) =>
  handler(getRouteInfoByTopic, ({ topic, acceptStandardJsonOnly }, { request }) => {
    const route = routes.route(topic)
    if (route === undefined) {
      throw new ResponseError('TOPIC_NOT_EXIST', `No topic route info in name server for the topic: ${topic}${HELP}`)
    }
    const order = config.current.orderMessageEnable ? kvConfig.get(ORDER_TOPIC_NAMESPACE, topic) : undefined
    const ordered = order === undefined ? route : { ...route, orderTopicConf: order }
    const standard = acceptStandardJsonOnly || request.version >= STANDARD_JSON_SINCE_VERSION
    return reply({}, { body: encodeTopicRoute(ordered, standard) })
  })
