import { isDeepStrictEqual } from 'node:util'
import type { BrokerData, TopicRouteData } from '../protocol/bodies/index.ts'
import type { NameServers } from './name-servers.ts'
import { MASTER_ID, type TopicRoute, topicRoute } from './topic-route.ts'

/** Routes of the topics a client uses, and the addresses of the brokers in them. */
export class RouteTable {
  readonly #nameServers: NameServers
  readonly #onChange: (topic: string) => void
  readonly #routes = new Map<string, TopicRoute>()
  readonly #loading = new Map<string, Promise<TopicRoute | undefined>>()
  readonly #brokers = new Map<string, BrokerData>()

  /** @param onChange a topic got its first route or another one */
  constructor(nameServers: NameServers, onChange: (topic: string) => void) {
    this.#nameServers = nameServers
    this.#onChange = onChange
  }

  /** The route as last heard. */
  find(topic: string): TopicRoute | undefined {
    return this.#routes.get(topic)
  }

  /**
   * Asks for a route now; calls at the same time share one request. A topic that the name server no longer knows keeps
   * the route it had: a name server that has just started knows nothing yet.
   * @throws {ClientError} `CLIENT_NO_NAME_SERVER`
   */
  load(topic: string, timeoutMs: number): Promise<TopicRoute | undefined> {
    const running = this.#loading.get(topic)
    if (running !== undefined) return running
    const loading = this.#load(topic, timeoutMs).finally(() => this.#loading.delete(topic))
    this.#loading.set(topic, loading)
    return loading
  }

  /** Uses a route that no name server gave, until one does. */
  assume(route: TopicRoute): void {
    this.#set(route)
  }

  /**
   * Asks for all routes again.
   * @throws {ClientError} `CLIENT_NO_NAME_SERVER` when one of them could not be asked for; the others are new
   */
  async refresh(timeoutMs: number): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#routes.keys()].map((topic) => this.load(topic, timeoutMs)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** Names of the brokers that have a topic. */
  brokersOf(topic: string): string[] {
    return this.#routes.get(topic)?.data.brokerDatas.map((broker) => broker.brokerName) ?? []
  }

  /** Address of a broker's master. */
  master(brokerName: string): string | undefined {
    return this.#brokers.get(brokerName)?.brokerAddrs.get(MASTER_ID)
  }

  /** Address of the broker with that id; else of the master; else of any slave. */
  readFrom(brokerName: string, brokerId: number): { readonly address: string; readonly isMaster: boolean } | undefined {
    const addresses = this.#brokers.get(brokerName)?.brokerAddrs
    if (addresses === undefined) return undefined
    for (const id of [brokerId, MASTER_ID, ...addresses.keys()]) {
      const address = addresses.get(id)
      if (address !== undefined) return { address, isMaster: id === MASTER_ID }
    }
    return undefined
  }

  /** Addresses of all brokers in any route. */
  addresses(which: 'all' | 'masters'): string[] {
    const found = new Set<string>()
    for (const { brokerAddrs } of this.#brokers.values()) {
      for (const [id, address] of brokerAddrs) if (which === 'all' || id === MASTER_ID) found.add(address)
    }
    return [...found]
  }

  async #load(topic: string, timeoutMs: number): Promise<TopicRoute | undefined> {
    const data: TopicRouteData | undefined = await this.#nameServers.route(topic, timeoutMs)
    if (data !== undefined) this.#set(topicRoute(topic, data))
    return this.#routes.get(topic)
  }

  #set(route: TopicRoute): void {
    const known = this.#routes.get(route.topic)
    if (known !== undefined && isDeepStrictEqual(known.data, route.data)) return
    this.#routes.set(route.topic, route)
    for (const broker of route.data.brokerDatas) this.#brokers.set(broker.brokerName, broker)
    const named = new Set([...this.#routes.values()].flatMap(({ data }) => data.brokerDatas.map((b) => b.brokerName)))
    for (const name of this.#brokers.keys()) if (!named.has(name)) this.#brokers.delete(name)
    this.#onChange(route.topic)
  }
}
