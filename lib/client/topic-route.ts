import type { TopicRouteData } from '../protocol/bodies/index.ts'
import { isReadable, isWriteable } from '../protocol/permissions.ts'
import type { MessageQueue } from './message.ts'

/** Broker id of a master. */
export const MASTER_ID = 0

/** Where a topic is, as its clients use it. */
export interface TopicRoute {
  readonly topic: string
  readonly data: TopicRouteData
  /** Queues that take messages: those on brokers that have a master. */
  readonly writable: readonly MessageQueue[]
  readonly readable: readonly MessageQueue[]
}

const queues = (topic: string, brokerName: string, count: number): MessageQueue[] =>
  Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }))

/** `broker:queues;broker:queues` of an ordered topic, whose queues stay the same when a broker is away. */
const orderedQueues = (topic: string, text: string): MessageQueue[] =>
  text.split(';').flatMap((entry) => {
    const [brokerName = '', count] = entry.split(':')
    return brokerName === '' ? [] : queues(topic, brokerName, Number.parseInt(count ?? '0', 10) || 0)
  })

/** Queues of a topic by what its route allows. */
export const topicRoute = (topic: string, data: TopicRouteData): TopicRoute => {
  const withMaster = new Set(
    data.brokerDatas.filter((broker) => broker.brokerAddrs.has(MASTER_ID)).map((broker) => broker.brokerName),
  )
  const writable =
    data.orderTopicConf !== undefined && data.orderTopicConf !== ''
      ? orderedQueues(topic, data.orderTopicConf)
      : data.queueDatas
          .filter(({ perm, brokerName }) => isWriteable(perm) && withMaster.has(brokerName))
          .flatMap(({ brokerName, writeQueueNums }) => queues(topic, brokerName, writeQueueNums))
  const readable = data.queueDatas
    .filter(({ perm }) => isReadable(perm))
    .flatMap(({ brokerName, readQueueNums }) => queues(topic, brokerName, readQueueNums))
  return { topic, data, writable, readable }
}

/**
 * The route that a topic will have once its first message made it: the brokers of the model topic, with at most
 * `maxQueues` of its queues.
 */
export const routeFromModel = (topic: string, model: TopicRouteData, maxQueues: number): TopicRoute =>
  topicRoute(topic, {
    ...model,
    queueDatas: model.queueDatas.map((queue) => {
      const count = Math.min(maxQueues, queue.readQueueNums)
      return { ...queue, readQueueNums: count, writeQueueNums: count }
    }),
  })
