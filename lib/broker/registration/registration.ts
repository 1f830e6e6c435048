import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import type { RemotingClient } from '../../net/client.ts'
import { type TopicConfig, type TopicConfigSerializeWrapper, topicConfig } from '../../protocol/bodies/topic-config.ts'
import { isReadable, isWriteable } from '../../protocol/permissions.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { AddressServer } from './address-server.ts'
import { type BrokerAddresses, NameServerLink, type RegistrationResult } from './name-server-link.ts'

/** Time from the first registration to the second; Java's. */
const SECOND_MS = 10_000
/** How long a stop waits for a registration under way. */
const SETTLE_MS = 1000

/** What registration needs. */
export interface RegistrationParts {
  readonly config: BrokerConfig
  readonly topics: TopicTable
  readonly client: RemotingClient
  readonly clock: Clock
  readonly logger: Logger
  readonly broker: BrokerAddresses
  /** host:port of the filter servers of this broker. Default none. */
  readonly filterServers?: () => readonly string[]
}

/**
 * Makes the broker known to every name server: all topics at start and every 30 s, single topics as they change.
 * Name servers are those of `namesrvAddr`, which may change at run time, or those that an address server names.
 * Each name server has a link of its own, so one that does not answer holds up nobody.
 */
export class Registration {
  readonly #parts: RegistrationParts
  readonly #addressServer: AddressServer | undefined
  #links: readonly NameServerLink[] = []
  #timer: TimerHandle | undefined
  #stopped = false
  /** What name servers said of the master, for slaves. */
  master: Pick<RegistrationResult, 'haServerAddr' | 'masterAddr'> = { haServerAddr: undefined, masterAddr: undefined }

  constructor(parts: RegistrationParts) {
    this.#parts = parts
    const { config, clock, logger } = parts
    const { nameServers, addressServerUrl } = config.current.registration
    this.#links = nameServers.map((address) => this.#newLink(address))
    this.#addressServer =
      addressServerUrl === undefined
        ? undefined
        : new AddressServer({
            url: addressServerUrl,
            clock,
            logger,
            onAddresses: (addresses) => this.#useNameServers(addresses),
          })
    config.onChange(({ registration }) => this.#useNameServers(registration.nameServers))
    parts.topics.onChange((changed) => {
      if (!this.#stopped && this.#timer !== undefined) for (const link of this.#links) void link.topic(changed)
    })
  }

  /** host:port for clients. */
  get brokerAddr(): string {
    return this.#parts.broker.brokerAddr
  }

  /** host:port of the name servers that are told. */
  get nameServers(): readonly string[] {
    return this.#links.map((link) => link.address)
  }

  /** Name servers that know all topics. */
  get inSync(): number {
    return this.#links.filter((link) => link.inSync).length
  }

  /** Registers everywhere and goes on doing so. Resolves when every name server was told or has failed. */
  async start(): Promise<void> {
    const { clock, config } = this.#parts
    await this.#addressServer?.start()
    if (this.#stopped) return
    this.#timer = clock.every(config.current.registration.periodMs, () => this.#again(), SECOND_MS)
    await this.registerAll()
  }

  /** Tells all topics to every name server. Resolves when each was told or has failed. */
  async registerAll(): Promise<void> {
    if (this.#stopped) return
    await Promise.all(this.#links.map((link) => link.all()))
  }

  /** Resolves when every change of topics so far was told to every name server or failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.settled()))
  }

  /** Unregisters everywhere, at most 3 s. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.cancel()
    await this.#addressServer?.stop()
    await Promise.all(this.#links.map((link) => this.#leave(link)))
  }

  /** A registration still under way could come in after the farewell, so that is waited for, within a bound. */
  async #leave(link: NameServerLink): Promise<void> {
    let bound: TimerHandle | undefined
    await Promise.race([
      link.settled(),
      new Promise<void>((resolve) => {
        bound = this.#parts.clock.after(SETTLE_MS, resolve)
      }),
    ])
    bound?.cancel()
    await link.unregister()
  }

  #newLink(address: string): NameServerLink {
    const { config, client, broker, logger } = this.#parts
    return new NameServerLink({
      address,
      client,
      broker,
      logger,
      timeoutMs: () => config.current.registration.timeoutMs,
      compressed: () => config.current.registration.compressed,
      filterServers: this.#parts.filterServers ?? (() => []),
      singleTopics: () => config.current.registration.singleTopics,
      snapshot: (only) => this.#snapshot(only),
      onResult: (result) => this.#take(address, result),
    })
  }

  /**
   * New name servers are told everything at once. Those that are not named any more are told nothing more, as in Java:
   * one of them may be a new one by another name, so the broker does not unregister there.
   */
  #useNameServers(addresses: readonly string[]): void {
    const known = new Map(this.#links.map((link) => [link.address, link]))
    // An empty list is what an address server leaves to the configuration, and what nobody asks for in earnest.
    if (this.#stopped || addresses.length === 0) return
    this.#links = addresses.map((address) => known.get(address) ?? this.#newLink(address))
    if (this.#timer === undefined) return
    for (const link of this.#links) if (!known.has(link.address)) void link.all()
  }

  #again(): void {
    const { force } = this.#parts.config.current.registration
    for (const link of this.#links) void (force ? link.all() : link.check())
  }

  #snapshot(only: ReadonlyMap<string, TopicConfig> | undefined): TopicConfigSerializeWrapper {
    const { topics, config } = this.#parts
    const { permission } = config.current.identity
    const chosen = [...(only === undefined ? topics.all() : only.values())]
    const limited = !isReadable(permission) || !isWriteable(permission)
    const announced = limited ? chosen.map((topic) => withPermission(topic, permission)) : chosen
    return {
      dataVersion: topics.dataVersion,
      topicConfigTable: new Map(announced.map((topic) => [topic.topicName, topic])),
    }
  }

  /** The first name server of the list that is in sync speaks for the cluster. */
  #take(address: string, result: RegistrationResult): void {
    const speaker = this.#links.find((link) => link.address === address || link.inSync)
    if (speaker?.address !== address) return
    this.master = { haServerAddr: result.haServerAddr, masterAddr: result.masterAddr }
    if (result.orderedTopics !== undefined) this.#parts.topics.setOrdered(result.orderedTopics)
  }
}

/** A topic under a broker that may not be read or written: Java announces it with default settings besides. */
const withPermission = ({ topicName, readQueueNums, writeQueueNums }: TopicConfig, perm: number): TopicConfig =>
  topicConfig(topicName, { readQueueNums, writeQueueNums, perm })
