import { lookup } from 'node:dns/promises'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'
import { type Clock, systemClock } from '../base/clock.ts'
import { ApogeeError } from '../base/errors.ts'
import { Parts } from '../base/lifecycle.ts'
import { type Logger, silentLogger } from '../base/logging.ts'
import { RemotingClient } from '../net/client.ts'
import type { FrameHandler } from '../net/connection.ts'
import type { Handler } from '../net/handler.ts'
import { RemotingServer } from '../net/server.ts'
import { openClientTls, startServerTls } from '../net/tls/tls.ts'
import type { MessageStore, RecoveryReport } from '../store/message-store.ts'
import { openMessageStore } from '../store/native-store.ts'
import { StoreError } from '../store/store-error.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { unsupportedSettings } from './config/unsupported.ts'
import { ConsumerTable } from './consumers/consumer-table.ts'
import { QueueLocks } from './consumers/queue-locks.ts'
import { type Filters, loadFilters } from './filters/filters.ts'
import { SubscriptionGroupTable } from './groups/group-table.ts'
import { brokerHandlers } from './handlers/index.ts'
import { ConsumerOffsets } from './offsets/consumer-offsets.ts'
import { dropVanishedTopics } from './offsets/vanished-topics.ts'
import { startOwnMessages } from './own-messages.ts'
import { pullSettingsOf, replySettingsOf, sendSettingsOf, storeOptionsOf } from './part-settings.ts'
import { ProducerTable } from './producers/producer-table.ts'
import { createPullHandlers, type PullPath } from './pull/pull.ts'
import { StoreQueues } from './queue-reader.ts'
import { recoveryProgressLog } from './recovery-progress-log.ts'
import { Registration } from './registration/registration.ts'
import { startReplication } from './replication.ts'
import { replyHandlers } from './replies/reply-messages.ts'
import { followRetention } from './retention.ts'
import { createSendHandlers } from './send/send.ts'
import { type SendHook, SendHooks } from './send/send-hooks.ts'
import { BrokerStats } from './stats.ts'
import { TopicTable } from './topics/topic-table.ts'
import { startTraffic } from './traffic/traffic.ts'
import type { TrafficStats } from './traffic/traffic-stats.ts'

/** Lines about what recovery ignored, cut or lost; a store damaged all over would fill the log. */
const MAX_RECOVERY_NOTES = 100

/** What a broker takes from its surroundings. All have defaults. */
export interface BrokerSurroundings {
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Default: silent. */
  readonly logger?: Logger
  /** In [0, 1). Default `Math.random`. */
  readonly random?: () => number
  /** Address to listen on. Default all. */
  readonly listenHost?: string
  /** File that code 25 writes the configuration back to. Default: it is kept in memory only. */
  readonly configPath?: string
  /** Code that sees every send. Default: none. */
  readonly sendHooks?: readonly SendHook[]
  /** Physical memory in bytes; what share counts as holding recent messages is configured. Default: the machine's. */
  readonly memoryBytes?: number
}

/** A running broker. */
export interface Broker {
  readonly brokerName: string
  /** host:port that clients are told: brokerIP1 and the listen port. */
  readonly address: string
  /** The port listened on, also when the configuration left the choice open. */
  readonly port: number
  /** The port slaves dial. */
  readonly haPort: number
  readonly storeDir: string
  /** Unregisters, ends what is in flight, saves all state and closes the store. Idempotent; at most 10 s. */
  stop(): Promise<void>
}

interface Base {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly parts: Parts
  readonly port: number
  /** Where slaves dial. */
  readonly haPort: number
  /** brokerIP1 as an IP literal, and the listen port: what records and message ids name. */
  readonly storeHost: { readonly address: string; readonly port: number }
}

/**
 * Starts a broker: opens the store, loads the state beside it, listens, registers with the name servers. Resolved =
 * ready for clients.
 * @throws {StoreError} `STORE_LOCKED` when another process has the store, and others of `openMessageStore`
 * @throws {NetError} `NET_PORT_IN_USE`, naming host and port; `NET_TLS_CONFIG_INVALID`, `NET_TLS_FILE_INVALID`
 * @throws {ApogeeError} `CONFIG_UNSUPPORTED`, `CONFIG_INVALID`; {FileError} `FILE_UNREADABLE` for broken state files
 */
export const startBroker = async (config: BrokerConfig, surroundings: BrokerSurroundings = {}): Promise<Broker> => {
  const { clock = systemClock, logger = silentLogger } = surroundings
  checkSupported(config, logger)
  const parts = new Parts()
  try {
    const { identity, net } = config.current
    const port = net.listenPort === 0 ? await anyFreePort() : net.listenPort
    const haPort = net.haPort === 0 ? await anotherFreePort(port) : net.haPort
    const address = await literalOf(identity.host)
    const base: Base = { config, clock, logger, parts, port, haPort, storeHost: { address, port } }
    await startParts(base, surroundings)
    logger.info({ broker: identity.brokerName, address: `${identity.host}:${port}` }, 'broker is ready')
    return {
      brokerName: identity.brokerName,
      address: `${identity.host}:${port}`,
      port,
      haPort,
      storeDir: config.current.store.rootDir,
      stop: () => parts.stop(),
    }
  } catch (error) {
    await parts
      .stop()
      .catch((failure: unknown) => logger.error({ error: failure }, 'could not stop after a failed start'))
    throw error
  }
}

/** The address that records name for brokerIP1, which may be a host name. */
const literalOf = async (host: string): Promise<string> => {
  try {
    return (await lookup(host)).address
  } catch (cause) {
    throw new ApogeeError('CONFIG_INVALID', `brokerIP1: the address of ${host} cannot be found`, { cause })
  }
}

const checkSupported = (config: BrokerConfig, logger: Logger): void => {
  const { refused, ignored } = unsupportedSettings(config.values)
  if (refused.length > 0) throw new ApogeeError('CONFIG_UNSUPPORTED', refused.join('; '))
  for (const setting of ignored) logger.warn({}, `without effect: ${setting}`)
}

const startParts = async (base: Base, surroundings: BrokerSurroundings): Promise<void> => {
  const { config, clock, parts } = base
  const store = await startStore(base)
  const state = await loadState(base)
  const dropping = dropVanishedTopics({ ...base, ...state, store })
  parts.onStop('vanished topics', () => dropping.cancel())
  const stats = await parts.start('stats', () => new BrokerStats(clock))
  const traffic = await startTraffic({ ...base, groups: state.groups })
  const memory = surroundings.memoryBytes ?? totalmem()
  const memoryWindowBytes = (): number => Math.floor((memory * config.current.pull.memoryRatioPercent) / 100)
  const client = await startClient(base)
  const registration = newRegistration(base, state, client)
  const { gate, ownGate, master } = await startReplication({ ...base, store })
  const random = surroundings.random ?? Math.random
  const own = await startOwnMessages({ ...base, ...state, store, gate: ownGate, stats, traffic, random }, parts)
  const send = createSendHandlers({
    ...{ store, gate, stats, traffic, clock, topics: state.topics, detours: own.detours },
    ...{ random, retriedSends: own.retriedSends, recallHandleOf: own.recallHandleOf },
    hooks: new SendHooks(surroundings.sendHooks ?? [], base.logger),
    settings: sendSettingsOf(config, base.storeHost),
  })
  const replies = replyHandlers({
    ...{ clock, logger: base.logger, producers: state.producers, writer: own.writer, accept: send.accept },
    settings: replySettingsOf(config, base.storeHost),
  })
  if (config.current.filter.bitMaps) state.filters.consumers.bitMaps.start(store)
  const pull = startPull(base, store, state, { stats, traffic }, memoryWindowBytes)
  const handlers = brokerHandlers({
    ...state,
    filters: state.filters.consumers,
    pullFilters: state.filters.ofPulls,
    filterServers: state.filters.servers,
    config,
    configPath: surroundings.configPath,
    clock,
    logger: base.logger,
    store,
    stats,
    traffic,
    queues: new StoreQueues(store, (topic) => state.topics.get(topic) !== undefined, memoryWindowBytes),
    brokerAddr: registration.brokerAddr,
    announced: () => registration.settled(),
    announceAll: () => registration.registerAll(),
    parkedPulls: pull.parkedPulls,
    sendLoad: send.load,
    delay: own.delay,
  })
  await startServer(base, surroundings.listenHost, {
    handlers: [...handlers, ...own.handlers, ...send.handlers, ...replies],
    frameHandlers: send.frameHandlers,
    pull,
  })
  await master.listen({ host: surroundings.listenHost, port: base.haPort })
  parts.onStop('registration', () => registration.stop())
  await registration.start()
}

const startStore = async ({ config, clock, logger, parts, storeHost }: Base): Promise<MessageStore> => {
  const onRecoveryProgress = recoveryProgressLog(clock, logger)
  const options = { ...storeOptionsOf(config.current, storeHost), onRecoveryProgress }
  const store = await openMessageStore(options).catch((error: unknown) => {
    if (!(error instanceof StoreError) || error.code !== 'STORE_LOCKED') throw error
    throw new StoreError('STORE_LOCKED', `another process uses the store in ${options.rootDir}`, { cause: error })
  })
  parts.onStop('store', () => store.close())
  logRecovery(store.recovery, logger)
  followRetention(store, config, logger)
  return store
}

const logRecovery = ({ notes, ...recovery }: RecoveryReport, logger: Logger): void => {
  for (const note of notes.slice(0, MAX_RECOVERY_NOTES)) logger.warn({}, `store: ${note}`)
  logger.info({ ...recovery, notes: notes.length }, recovery.wasClean ? 'store opened' : 'store recovered')
}

interface State {
  readonly topics: TopicTable
  readonly groups: SubscriptionGroupTable
  readonly offsets: ConsumerOffsets
  readonly consumers: ConsumerTable
  readonly producers: ProducerTable
  readonly filters: Filters
  readonly locks: QueueLocks
}

const loadState = async ({ config, clock, logger, parts }: Base): Promise<State> => {
  const options = { config, clock, logger }
  const filters = await loadFilters(options)
  parts.onStop('filters', () => filters.consumers.stop())
  parts.onStop('filter servers', () => filters.servers.stop())
  const onGroupGone = (group: string): void => filters.consumers.unregister(group)
  return {
    filters,
    topics: await parts.start('topics', () => TopicTable.load(options)),
    groups: await parts.start('groups', () => SubscriptionGroupTable.load(options)),
    offsets: await parts.start('offsets', () => ConsumerOffsets.load(options)),
    consumers: await parts.start('consumers', () => new ConsumerTable({ ...options, onGroupGone })),
    producers: await parts.start('producers', () => new ProducerTable(clock)),
    locks: await parts.start('queue locks', () => new QueueLocks(clock)),
  }
}

const startClient = ({ config, clock, logger, parts }: Base): Promise<RemotingClient> =>
  parts.start('client', async () => {
    const { connectTimeoutMs, secure } = config.current.net
    const tls = secure ? await openClientTls(config.values.tls) : undefined
    return new RemotingClient({ clock, logger, connectTimeoutMs, tls })
  })

const newRegistration = (
  { config, clock, logger, port, haPort }: Base,
  { topics, filters }: Pick<State, 'topics' | 'filters'>,
  client: RemotingClient,
) => {
  const { brokerName, clusterName, brokerId, host, haHost } = config.current.identity
  const broker = {
    brokerName,
    clusterName,
    brokerId,
    brokerAddr: `${host}:${port}`,
    haServerAddr: `${haHost}:${haPort}`,
  }
  const filterServers = () => filters.servers.addresses()
  const registration = new Registration({ config, topics, client, clock, logger, broker, filterServers })
  filters.servers.onChange = () => void registration.registerAll()
  return registration
}

/** What sends and pulls count. */
interface Counters {
  readonly stats: BrokerStats
  readonly traffic: TrafficStats
}

const startPull = (
  base: Base,
  store: MessageStore,
  { topics, groups, consumers, filters, offsets }: State,
  counters: Counters,
  memoryWindowBytes: () => number,
): PullPath => {
  const { config, clock, logger, parts, storeHost } = base
  const path = createPullHandlers({
    store,
    topics,
    groups,
    consumers,
    filters: filters.ofPulls,
    offsets,
    ...counters,
    clock,
    logger,
    settings: pullSettingsOf(config, storeHost, memoryWindowBytes),
  })
  parts.onStop('pull', () => path.stop())
  return path
}

/** Two below the listen port the same handlers answer, pulls apart: Java's VIP channel. */
const startServer = async (
  { config, clock, logger, parts, port }: Base,
  host: string | undefined,
  paths: { handlers: readonly Handler[]; frameHandlers: ReadonlyMap<number, FrameHandler>; pull: PullPath },
): Promise<void> => {
  const { listenPort, idleMs, backlog } = config.current.net
  const { handlers, frameHandlers, pull } = paths
  const tls = await startServerTls(config.values.tls, { clock, logger, parts })
  const server = await parts.start(
    'server',
    () => new RemotingServer({ clock, logger, unknownCode: 'answer-not-supported', idleTimeoutMs: idleMs, tls }),
  )
  await server.listen({
    host,
    port,
    backlog,
    handlers: [...handlers, ...pull.handlers],
    frameHandlers: new Map([...frameHandlers, ...pull.frameHandlers]),
  })
  if (listenPort > 2) await server.listen({ host, port: listenPort - 2, backlog, handlers, frameHandlers })
}

/** A free port for slaves that is not `port`, which nobody listens on yet. */
const anotherFreePort = async (port: number): Promise<number> => {
  const other = await anyFreePort()
  return other === port ? anotherFreePort(port) : other
}

/** A port free at this moment; for tests, which leave the choice to the system before the store needs to know it. */
const anyFreePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const bound = probe.address() as { port: number }
      probe.close(() => resolve(bound.port))
    })
  })
