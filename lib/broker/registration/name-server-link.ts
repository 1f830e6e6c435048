import type { Logger } from '../../base/logging.ts'
import type { RemotingClient } from '../../net/client.ts'
import { decodeDataVersion, encodeDataVersion, sameDataVersion } from '../../protocol/bodies/data-version.ts'
import { decodeKVTable } from '../../protocol/bodies/lists.ts'
import { encodeRegisterBroker } from '../../protocol/bodies/register-broker.ts'
import type { TopicConfig, TopicConfigSerializeWrapper } from '../../protocol/bodies/topic-config.ts'
import { encodeTopicRoute } from '../../protocol/bodies/topic-route.ts'
import { queryDataVersion } from '../../protocol/commands/query-data-version.ts'
import { registerBroker } from '../../protocol/commands/register-broker.ts'
import { registerTopicInNamesrv } from '../../protocol/commands/register-topic-in-namesrv.ts'
import { unregisterBroker } from '../../protocol/commands/unregister-broker.ts'
import { bodyCrc } from '../../protocol/crc32.ts'

/** Who registers, in the words of the name server protocol. */
export interface BrokerAddresses {
  readonly brokerName: string
  readonly clusterName: string
  readonly brokerId: number
  /** host:port for clients. */
  readonly brokerAddr: string
  /** host:port for slaves. */
  readonly haServerAddr: string
}

/** What a name server answered to a registration. */
export interface RegistrationResult {
  /** Replication address of the master; for slaves. */
  readonly haServerAddr: string | undefined
  /** Address of the master; for slaves. */
  readonly masterAddr: string | undefined
  /** Topics that are ordered in this cluster; undefined when it did not say. */
  readonly orderedTopics: ReadonlySet<string> | undefined
}

/** What a link needs. */
export interface LinkParts {
  readonly address: string
  readonly client: RemotingClient
  readonly broker: BrokerAddresses
  readonly timeoutMs: () => number
  readonly compressed: () => boolean
  /** Whether single topics are told with the request of 5.0. */
  readonly singleTopics: () => boolean
  /** All topics with the current version, or only some of them. */
  readonly snapshot: (only?: ReadonlyMap<string, TopicConfig>) => TopicConfigSerializeWrapper
  /** host:port of the filter servers of this broker. */
  readonly filterServers: () => readonly string[]
  readonly onResult: (result: RegistrationResult) => void
  readonly logger: Logger
}

const UNREGISTER_TIMEOUT_MS = 3000

/** Keeps one name server informed, one request at a time; what comes up meanwhile is told together afterwards. */
export class NameServerLink {
  readonly #parts: LinkParts
  #wantsAll = false
  #wantsCheck = false
  #topics = new Map<string, TopicConfig>()
  #running: Promise<void> | undefined
  /** Whether the last attempt failed; then the next one tells everything. */
  #behind = true

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  get address(): string {
    return this.#parts.address
  }

  /** Whether this name server knows all topics as far as it was told. */
  get inSync(): boolean {
    return !this.#behind
  }

  /** Tells everything. Resolves when told, or when that failed. */
  all(): Promise<void> {
    this.#wantsAll = true
    return this.#run()
  }

  /** Asks whether the name server has the current version, and tells everything when it has not. */
  check(): Promise<void> {
    this.#wantsCheck = true
    return this.#run()
  }

  /** Tells of one topic. */
  topic(changed: TopicConfig): Promise<void> {
    this.#topics.set(changed.topicName, changed)
    return this.#run()
  }

  /** Resolves when nothing is left to be told, or telling it failed. */
  settled(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  /** Takes the broker out of this name server. Failures are logged. */
  async unregister(): Promise<void> {
    const { client, address, broker, logger } = this.#parts
    const { brokerName, brokerAddr, clusterName, brokerId } = broker
    try {
      const header = { brokerName, brokerAddr, clusterName, brokerId }
      await client.invoke(address, unregisterBroker, header, { timeoutMs: UNREGISTER_TIMEOUT_MS })
    } catch (error) {
      logger.warn({ nameServer: address, error }, 'not unregistered')
    }
  }

  #run(): Promise<void> {
    // The microtask lets all changes of one turn go in one request.
    this.#running ??= Promise.resolve()
      .then(() => this.#work())
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }

  async #work(): Promise<void> {
    try {
      while (this.#wantsAll || this.#wantsCheck || this.#topics.size > 0) await this.#next()
    } catch (error) {
      this.#behind = true
      this.#wantsAll = false
      this.#wantsCheck = false
      this.#topics.clear()
      this.#parts.logger.warn({ nameServer: this.address, error }, 'not registered; trying again next time')
    }
  }

  async #next(): Promise<void> {
    const isCheck = !this.#wantsAll && this.#wantsCheck && !this.#behind
    if (isCheck) {
      this.#wantsCheck = false
      if (await this.#isOutOfDate()) this.#wantsAll = true
      return
    }
    const some = this.#wantsAll || this.#behind ? undefined : this.#topics
    this.#wantsAll = false
    this.#wantsCheck = false
    this.#topics = new Map()
    if (some !== undefined && this.#parts.singleTopics()) await this.#registerTopics(some)
    else await this.#register(some)
    this.#behind = false
  }

  async #isOutOfDate(): Promise<boolean> {
    const { client, address, broker, snapshot, timeoutMs } = this.#parts
    const { brokerName, brokerAddr, clusterName, brokerId } = broker
    const ours = snapshot(new Map()).dataVersion
    const header = { brokerName, brokerAddr, clusterName, brokerId }
    const body = encodeDataVersion(ours)
    const answer = await client.invoke(address, queryDataVersion, header, { body, timeoutMs: timeoutMs() })
    if (answer.header.changed) return true
    return answer.body.length > 0 && !sameDataVersion(decodeDataVersion(answer.body), ours)
  }

  async #registerTopics(some: ReadonlyMap<string, TopicConfig>): Promise<void> {
    const { client, address, broker, snapshot, timeoutMs } = this.#parts
    const { brokerName } = broker
    for (const { topicName: topic, readQueueNums, writeQueueNums, perm, topicSysFlag } of snapshot(
      some,
    ).topicConfigTable.values()) {
      const queues = { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag }
      const route = { queueDatas: [queues], brokerDatas: [], filterServerTable: new Map() }
      const body = encodeTopicRoute(route, true)
      await client.invoke(address, registerTopicInNamesrv, { topic }, { body, timeoutMs: timeoutMs() })
    }
  }

  async #register(some: ReadonlyMap<string, TopicConfig> | undefined): Promise<void> {
    const { client, address, broker, snapshot, filterServers, timeoutMs, onResult } = this.#parts
    const compressed = this.#parts.compressed()
    const topicConfigSerializeWrapper = snapshot(some)
    const body = encodeRegisterBroker(
      { topicConfigSerializeWrapper, filterServerList: filterServers() },
      { compressed },
    )
    const header = { ...broker, compressed, bodyCrc32: bodyCrc(body) }
    const answer = await client.invoke(address, registerBroker, header, { body, timeoutMs: timeoutMs() })
    const { haServerAddr, masterAddr } = answer.header
    const ordered = answer.body.length === 0 ? undefined : decodeKVTable(answer.body).table
    onResult({ haServerAddr, masterAddr, orderedTopics: ordered === undefined ? undefined : new Set(ordered.keys()) })
  }
}
