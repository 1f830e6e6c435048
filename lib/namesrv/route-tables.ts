import type { Clock } from '../base/clock.ts'
import { ApogeeError } from '../base/errors.ts'
import type { Logger } from '../base/logging.ts'
import { ThrottledLog } from '../base/throttled-log.ts'
import type { Connection } from '../net/connection.ts'
import { type DataVersion, sameDataVersion } from '../protocol/bodies/data-version.ts'
import type { TopicList } from '../protocol/bodies/lists.ts'
import type { RegisterBrokerBody } from '../protocol/bodies/register-broker.ts'
import type { BrokerData, ClusterInfo, TopicRouteData } from '../protocol/bodies/topic-route.ts'
import { javaHashMapOrder } from '../protocol/java-hash-map-order.ts'
import { TopicSysFlag } from '../protocol/sys-flags.ts'
import { BrokerTable } from './broker-table.ts'
import { isAcceptableAddress, isAcceptableName } from './names.ts'
import { TopicTable } from './topic-table.ts'

/** A broker that neither registers nor asks about its version for this long is taken out. */
export const BROKER_EXPIRY_MS = 120_000
const MASTER_ID = 0

/** Bounds on what brokers can make a name server hold. */
export interface RouteLimits {
  /** Default 1,000,000. */
  readonly maxTopics: number
  /** Broker addresses, and broker names. Default 10,000. */
  readonly maxBrokers: number
}

const DEFAULT_LIMITS: RouteLimits = { maxTopics: 1_000_000, maxBrokers: 10_000 }

/** A registration that was refused. Not retryable. */
export class RegistrationError extends ApogeeError {}

/** Which broker speaks. */
export interface BrokerIdentity {
  readonly clusterName: string
  readonly brokerName: string
  /** `host:port` for clients. */
  readonly brokerAddr: string
  /** 0 is the master. */
  readonly brokerId: number
}

/** What a broker tells of itself. */
export interface Registration extends BrokerIdentity {
  /** `host:port` for slaves. */
  readonly haServerAddr: string
  readonly topics: RegisterBrokerBody['topicConfigSerializeWrapper']
  /** Undefined leaves what was registered before. */
  readonly filterServers: readonly string[] | undefined
}

/** What a slave is told of its master; empty for a master or while there is none. */
export interface MasterAddresses {
  readonly haServerAddr?: string
  readonly masterAddr?: string
}

interface LiveBroker {
  /** Monotonic. */
  lastSeenAt: number
  readonly dataVersion: DataVersion
  readonly connection: Connection
  readonly haServerAddr: string
}

const flagsUnit = (topicSysFlag: number): boolean => (topicSysFlag & TopicSysFlag.UNIT) !== 0
const flagsUnitSubscription = (topicSysFlag: number): boolean => (topicSysFlag & TopicSysFlag.UNIT_SUB) !== 0

/**
 * Who has which topics: topic queues, broker addresses, clusters, live brokers and filter servers, all told by brokers
 * and forgotten with their connection or after 120 s of silence. Nothing of it is kept on disk.
 */
export class RouteTables {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #refusals: ThrottledLog
  readonly #limits: RouteLimits
  readonly #topics: TopicTable
  readonly #brokers = new BrokerTable()
  /** By broker address, as the next one. */
  readonly #live = new Map<string, LiveBroker>()
  readonly #filterServers = new Map<string, readonly string[]>()
  readonly #watched = new WeakSet<Connection>()

  constructor(parts: { clock: Clock; logger: Logger; limits?: Partial<RouteLimits> }) {
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#refusals = new ThrottledLog(parts.clock, parts.logger)
    this.#limits = { ...DEFAULT_LIMITS, ...parts.limits }
    this.#topics = new TopicTable(this.#limits.maxTopics)
  }

  /**
   * Enters a broker, or renews it. Topics count only when a master sends them, and are read only when their data
   * version differs from the last one.
   * @throws {RegistrationError} `REGISTRATION_ILLEGAL`, `REGISTRATION_FULL`
   */
  register(registration: Registration, connection: Connection): MasterAddresses {
    const { clusterName, brokerName, brokerAddr, brokerId, haServerAddr, topics, filterServers } = registration
    this.#check(registration)
    const isNew = this.#brokers.put(clusterName, brokerName, brokerId, brokerAddr)
    if (brokerId === MASTER_ID && (isNew || this.isTopicConfigChanged(brokerAddr, topics.dataVersion))) {
      this.#takeTopics(brokerName, topics.topicConfigTable.values())
    }
    if (!this.#live.has(brokerAddr))
      this.#logger.info({ ...identityOf(registration), haServerAddr }, 'broker registered')
    const lastSeenAt = this.#clock.monotonicMs()
    this.#live.set(brokerAddr, { lastSeenAt, dataVersion: topics.dataVersion, connection, haServerAddr })
    if (filterServers !== undefined) this.#takeFilterServers(brokerAddr, filterServers)
    this.#watch(connection)
    return brokerId === MASTER_ID ? {} : this.#masterOf(brokerName)
  }

  unregister({ brokerName, brokerAddr, brokerId }: BrokerIdentity): void {
    this.#live.delete(brokerAddr)
    this.#filterServers.delete(brokerAddr)
    if (this.#brokers.removeId(brokerName, brokerId)) this.#topics.removeBroker(brokerName)
    this.#logger.info({ brokerName, brokerAddr, brokerId }, 'broker unregistered')
  }

  /** Whether the topics known of a broker are not those of `version`; also when nothing is known of it. */
  isTopicConfigChanged(brokerAddr: string, version: DataVersion): boolean {
    const known = this.dataVersion(brokerAddr)
    return known === undefined || !sameDataVersion(known, version)
  }

  dataVersion(brokerAddr: string): DataVersion | undefined {
    return this.#live.get(brokerAddr)?.dataVersion
  }

  /** A sign of life. */
  renew(brokerAddr: string): void {
    const live = this.#live.get(brokerAddr)
    if (live !== undefined) live.lastSeenAt = this.#clock.monotonicMs()
  }

  /** Undefined for a topic that no known broker has. Brokers are in the order in which Java would list them. */
  route(topic: string): TopicRouteData | undefined {
    const queues = this.#topics.queues(topic)
    if (queues === undefined) return undefined
    const names = javaHashMapOrder([...queues.keys()])
    const brokerDatas = names.map((name) => this.#brokers.data(name)).filter((data) => data !== undefined)
    if (brokerDatas.length === 0) return undefined
    const filterServerTable = this.#filterServersOf(brokerDatas)
    return { queueDatas: names.map((name) => queues.get(name)!), brokerDatas, filterServerTable }
  }

  clusterInfo(): ClusterInfo {
    const brokerAddrTable = new Map<string, BrokerData>()
    for (const name of this.#brokers.names) brokerAddrTable.set(name, this.#brokers.data(name)!)
    return { brokerAddrTable, clusterAddrTable: this.#brokers.clusters() }
  }

  /** Deletes a topic everywhere, or at the brokers of one cluster. */
  deleteTopic(topic: string, clusterName?: string): void {
    if (clusterName === undefined) this.#topics.delete(topic)
    else this.#topics.deleteAt(topic, this.#brokers.clusters().get(clusterName) ?? [])
  }

  /** Until the broker's next change of topics. Returns how many topics it has. */
  wipeWritePermission(brokerName: string): number {
    return this.#topics.wipeWritePermission(brokerName)
  }

  /** Undoes `wipeWritePermission`. Returns how many topics the broker has. */
  addWritePermission(brokerName: string): number {
    return this.#topics.addWritePermission(brokerName)
  }

  topics(): string[] {
    return [...this.#topics.names]
  }

  topicsOfCluster(clusterName: string): string[] {
    return this.#topics.topicsAt(new Set(this.#brokers.clusters().get(clusterName)))
  }

  /** The topics every cluster and broker has under its own name, and one broker's address. */
  systemTopics(): TopicList {
    const topicList = new Set<string>()
    for (const [cluster, names] of this.#brokers.clusters()) for (const name of [cluster, ...names]) topicList.add(name)
    const [first] = this.#brokers.names
    const brokerAddr = first === undefined ? undefined : [...this.#brokers.data(first)!.brokerAddrs.values()][0]
    return { topicList: [...topicList], ...(brokerAddr === undefined ? {} : { brokerAddr }) }
  }

  unitTopics(): string[] {
    return this.#topics.topicsWithFlag(flagsUnit)
  }

  unitSubscriptionTopics(): string[] {
    return this.#topics.topicsWithFlag(flagsUnitSubscription)
  }

  unitSubscriptionTopicsOutsideUnits(): string[] {
    return this.#topics.topicsWithFlag((flag) => !flagsUnit(flag) && flagsUnitSubscription(flag))
  }

  /** Takes out brokers that have been silent too long, and closes their connections. Returns how many. */
  removeExpired(): number {
    const oldest = this.#clock.monotonicMs() - BROKER_EXPIRY_MS
    const expired = [...this.#live].filter(([, { lastSeenAt }]) => lastSeenAt < oldest)
    for (const [address, { connection }] of expired) {
      this.#logger.warn({ brokerAddr: address }, `broker silent for more than ${BROKER_EXPIRY_MS} ms`)
      this.#remove(address)
      connection.close('the broker is silent')
    }
    return expired.length
  }

  #check({ clusterName, brokerName, brokerAddr }: BrokerIdentity): void {
    for (const name of [clusterName, brokerName]) {
      if (!isAcceptableName(name)) throw illegal('name', name)
    }
    if (!isAcceptableAddress(brokerAddr)) throw illegal('address', brokerAddr)
    const { maxBrokers } = this.#limits
    const hasAddressRoom = this.#live.has(brokerAddr) || this.#live.size < maxBrokers
    const hasNameRoom = this.#brokers.has(clusterName, brokerName) || this.#brokers.size < maxBrokers
    if (hasAddressRoom && hasNameRoom) return
    throw new RegistrationError('REGISTRATION_FULL', `${maxBrokers} brokers are registered, the limit`)
  }

  #takeTopics(brokerName: string, configs: Iterable<RegisteredTopic>): void {
    let refused = 0
    for (const config of configs) {
      if (!isAcceptableName(config.topicName) || !this.#topics.put(brokerName, config)) refused += 1
    }
    if (refused > 0) this.#refusals.warn({ brokerName, refused }, 'topics were not taken: bad names, or too many')
  }

  #takeFilterServers(brokerAddr: string, filterServers: readonly string[]): void {
    const acceptable = filterServers.filter(isAcceptableAddress)
    if (acceptable.length === 0) this.#filterServers.delete(brokerAddr)
    else this.#filterServers.set(brokerAddr, acceptable)
  }

  #filterServersOf(brokers: readonly BrokerData[]): Map<string, readonly string[]> {
    const table = new Map<string, readonly string[]>()
    if (this.#filterServers.size === 0) return table
    for (const { brokerAddrs } of brokers) {
      for (const address of brokerAddrs.values()) {
        const servers = this.#filterServers.get(address)
        if (servers !== undefined) table.set(address, servers)
      }
    }
    return table
  }

  #masterOf(brokerName: string): MasterAddresses {
    const masterAddr = this.#brokers.address(brokerName, MASTER_ID)
    const master = masterAddr === undefined ? undefined : this.#live.get(masterAddr)
    if (masterAddr === undefined || master === undefined) return {}
    return { haServerAddr: master.haServerAddr, masterAddr }
  }

  /** A connection that closes takes along the brokers that registered on it last. */
  #watch(connection: Connection): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    connection.onClose(() => {
      for (const [address, live] of this.#live) if (live.connection === connection) this.#remove(address)
    })
  }

  #remove(brokerAddr: string): void {
    this.#live.delete(brokerAddr)
    this.#filterServers.delete(brokerAddr)
    for (const brokerName of this.#brokers.removeAddress(brokerAddr)) this.#topics.removeBroker(brokerName)
    this.#logger.info({ brokerAddr }, 'broker removed')
  }
}

type RegisteredTopic = Parameters<TopicTable['put']>[1]

const identityOf = ({ clusterName, brokerName, brokerAddr, brokerId }: BrokerIdentity): BrokerIdentity => ({
  clusterName,
  brokerName,
  brokerAddr,
  brokerId,
})

const illegal = (what: string, text: string): RegistrationError =>
  new RegistrationError('REGISTRATION_ILLEGAL', `${JSON.stringify(text.slice(0, 100))} is no ${what} of a broker`)
