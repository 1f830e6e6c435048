import { handler, ResponseError, reply } from '../../../lib/net/handler.ts'
import { encodeTopicRoute, type TopicRouteData } from '../../../lib/protocol/bodies/index.ts'
import { getRouteInfoByTopic } from '../../../lib/protocol/commands/get-route-info-by-topic.ts'
import { type Running, serve } from '../../net/net-harness.ts'
import type { FakeBroker } from './fake-broker.ts'

/** A route over all queues of some brokers. */
export const routeTo = (brokers: readonly FakeBroker[], queues: number, perm = 6): TopicRouteData => ({
  queueDatas: brokers.map(({ name }) => ({
    brokerName: name,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm,
    topicSysFlag: 0,
  })),
  brokerDatas: brokers.map(({ name, address }) => ({
    cluster: 'C',
    brokerName: name,
    brokerAddrs: new Map([[0, address]]),
  })),
  filterServerTable: new Map(),
})

/** A name server that answers from a table the test fills. */
export class FakeNameServer implements AsyncDisposable {
  readonly routes = new Map<string, TopicRouteData>()
  /** Topics asked for. */
  readonly asked: string[] = []
  readonly #running: Running

  private constructor(running: Running) {
    this.#running = running
  }

  static async start(): Promise<FakeNameServer> {
    let self: FakeNameServer | undefined
    const running = await serve([
      handler(getRouteInfoByTopic, ({ topic, acceptStandardJsonOnly }) => {
        self!.asked.push(topic)
        const route = self!.routes.get(topic)
        if (route === undefined) throw new ResponseError('TOPIC_NOT_EXIST', `no route of ${topic}`)
        return reply({}, { body: encodeTopicRoute(route, acceptStandardJsonOnly) })
      }),
    ])
    self = new FakeNameServer(running)
    return self
  }

  get address(): string {
    return this.#running.address
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#running.server.stop()
  }
}
