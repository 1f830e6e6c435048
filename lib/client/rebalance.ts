import type { TimerHandle } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import { decodeConsumerList } from '../protocol/bodies/index.ts'
import { getConsumerListByGroup } from '../protocol/commands/get-consumer-list-by-group.ts'
import { ClientError } from './client-error.ts'
import type { ClientInstance } from './client-instance.ts'
import type { MessageQueue } from './message.ts'
import { allocateQueues } from './queue-allocation.ts'
import { MASTER_ID } from './topic-route.ts'

const PERIOD_MS = 20_000

interface Parts {
  readonly instance: ClientInstance
  /** Subscribed topics. */
  readonly topics: () => Iterable<string>
  /** The queues of a topic that are this client's from now on. */
  readonly assign: (topic: string, queues: readonly MessageQueue[]) => Promise<void>
}

/** Shares the queues of the subscribed topics among the members of the group, again and again. */
export class Rebalance {
  readonly #parts: Parts
  #timer: TimerHandle | undefined
  #running: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves when the first round is over, whatever came of it. */
  start(): Promise<void> {
    this.#timer = this.#parts.instance.settings.clock.every(PERIOD_MS, () => void this.soon())
    return this.soon()
  }

  /** Begins a round now, or another one after the one that runs. Resolves when it is over; does not throw. */
  soon(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    this.#again = true
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Assigns nothing more, even when a round runs. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #rounds(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      for (const topic of [...this.#parts.topics()]) await this.#shareLogged(topic)
    }
  }

  async #shareLogged(topic: string): Promise<void> {
    const { logger } = this.#parts.instance.settings
    try {
      await this.#share(topic)
    } catch (error) {
      if (!this.#stopped) logger.warn({ error, topic }, `queues of ${topic} not shared: ${errorText(error)}`)
    }
  }

  async #share(topic: string): Promise<void> {
    const { instance, assign } = this.#parts
    const { routes, settings, heartbeats, identity } = instance
    const route = routes.find(topic) ?? (await routes.load(topic, settings.requestTimeoutMs))
    if (route === undefined) return
    // A broker lists only those that it had a heartbeat from.
    await heartbeats.beatNew()
    let members = await this.#members(topic)
    if (!members.includes(identity.clientId)) {
      await heartbeats.beat()
      members = await this.#members(topic)
    }
    if (!this.#stopped) await assign(topic, allocateQueues(identity.clientId, members, route.readable))
  }

  /** Any broker of the topic knows them all: every member sends heartbeats to every broker of its topics. */
  async #members(topic: string): Promise<readonly string[]> {
    const { remoting, routes, settings } = this.#parts.instance
    let failure: unknown
    for (const brokerName of routes.brokersOf(topic)) {
      const from = routes.readFrom(brokerName, MASTER_ID)
      if (from === undefined) continue
      try {
        const header = { consumerGroup: settings.group }
        const options = { timeoutMs: settings.requestTimeoutMs }
        const { body } = await remoting.invoke(from.address, getConsumerListByGroup, header, options)
        return decodeConsumerList(body).consumerIdList
      } catch (error) {
        failure = error
      }
    }
    throw failure ?? new ClientError('CLIENT_NO_ROUTE', `no broker of the topic ${topic} is known`)
  }
}
