import type { TestContext } from 'node:test'
import type { Clock } from '../../../lib/base/clock.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { silentLogger } from '../../../lib/base/logging.ts'
import { delayDetour } from '../../../lib/broker/delay/delay-detour.ts'
import { DurabilityGate } from '../../../lib/broker/durability.ts'
import type { Detour } from '../../../lib/broker/messages/detour.ts'
import { createPullHandlers } from '../../../lib/broker/pull/pull.ts'
import type { PullFilters } from '../../../lib/broker/pull/pull-filter.ts'
import { retriedSends } from '../../../lib/broker/retry/retried-send.ts'
import { createSendHandlers } from '../../../lib/broker/send/send.ts'
import { type SendHook, SendHooks } from '../../../lib/broker/send/send-hooks.ts'
import type { SendTopicTable } from '../../../lib/broker/send/send-topics.ts'
import { TrafficStats } from '../../../lib/broker/traffic/traffic-stats.ts'
import { RemotingServer } from '../../../lib/net/server.ts'
import { type TopicConfig, topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import type { MessageStore, StoreOptions } from '../../../lib/store/index.ts'
import { openTestStore } from '../../store/support/store-fixture.ts'
import type { LogRecord } from '../../support/commitlog-reader.ts'
import { RawClient } from '../../support/raw-client.ts'
import { readQueue } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { NO_FILTERS } from './filters.ts'

/** A server with the send and pull paths on a real store, and nothing else of a broker. */
export interface SendPullServer {
  readonly client: RawClient
  readonly store: MessageStore
  readonly topics: Map<string, TopicConfig>
  readonly committed: unknown[][]
  readonly parkedPulls: () => number
  readonly traffic: TrafficStats
  /** Another connection. */
  connect(): Promise<RawClient>
  /** Everything in a queue, once the store has dispatched what was appended. */
  read(topic: string, queueId: number): Promise<readonly LogRecord[]>
}

export const startSendPullServer = async (
  t: TestContext,
  options: {
    readonly store?: Partial<StoreOptions>
    readonly clock?: Clock
    readonly syncFlushTimeoutMs?: number
    /** Sends that may wait for the device. Default 10,000. */
    readonly sendCapacity?: number
    readonly maxBacklogBytes?: number
    /** Default: delay levels 1 to 18. */
    readonly detours?: readonly Detour[]
    /** Default: SQL92 filters are switched off. */
    readonly filters?: PullFilters
    /** Most bytes of an answer. Default 256 KiB. */
    readonly maxTransferBytes?: number
    readonly sendHooks?: readonly SendHook[]
    /** Stands between the paths and the store. */
    readonly wrapStore?: (store: MessageStore) => MessageStore
  } = {},
): Promise<SendPullServer> => {
  const { clock = systemClock, syncFlushTimeoutMs = 5000 } = options
  const stops: (() => unknown)[] = []
  // Hooks run in the order of registration: this one before that of the store.
  t.after(async () => {
    for (const stop of stops.reverse()) await stop()
  })
  const opened = await openTestStore(t, { maxBodyBytes: 64 * 1024, ...options.store })
  const store = options.wrapStore?.(opened) ?? opened
  const topics = new Map([['Known', topicConfig('Known', { readQueueNums: 4, writeQueueNums: 4 })]])
  const committed: unknown[][] = []
  const gate = new DurabilityGate(store, clock, syncFlushTimeoutMs)
  const storeHost = { address: '127.0.0.1', port: 10911 }
  const stats = { messagesPut: () => undefined, putsFailed: () => undefined, messagesGot: () => undefined }
  const traffic = new TrafficStats(clock, 'DefaultCluster')
  const sendTopics = {
    get version() {
      return topics.size
    },
    get: (name) => topics.get(name),
    createOnSend(name, { defaultTopic, defaultTopicQueueNums }) {
      if (defaultTopic !== 'TBW102') return undefined
      const created = topicConfig(name, {
        readQueueNums: defaultTopicQueueNums,
        writeQueueNums: defaultTopicQueueNums,
      })
      topics.set(name, created)
      return created
    },
    createOnSendBack(name, queueNums, perm, topicSysFlag) {
      const known = topics.get(name)
      if (known !== undefined) return known
      const created = topicConfig(name, { readQueueNums: queueNums, writeQueueNums: queueNums, perm, topicSysFlag })
      topics.set(name, created)
      return created
    },
  } satisfies SendTopicTable
  const send = createSendHandlers({
    store,
    gate,
    stats,
    traffic,
    clock,
    random: () => 0.5,
    hooks: new SendHooks(options.sendHooks ?? [], silentLogger),
    detours: options.detours ?? [delayDetour(18)],
    retriedSends: retriedSends(
      { find: (group) => (group.startsWith('no-') ? undefined : { retryMaxTimes: 3, retryQueueNums: 1 }) },
      sendTopics,
    ),
    topics: sendTopics,
    settings: {
      clusterName: 'DefaultCluster',
      regionId: 'DefaultRegion',
      traceOn: true,
      maxBodyBytes: 64 * 1024,
      acceptFromMs: 0,
      storeHost,
      writable: () => true,
      admission: {
        capacity: () => options.sendCapacity ?? 10_000,
        busyAfterMs: () => 1000,
        maxBacklogBytes: () => options.maxBacklogBytes ?? 0,
      },
    },
  })
  const pull = createPullHandlers({
    store,
    topics,
    groups: {
      find: (group) =>
        group.startsWith('no-')
          ? undefined
          : { consumeEnable: true, consumeBroadcastEnable: true, brokerId: 0, whichBrokerWhenConsumeSlowly: 1 },
    },
    consumers: { group: () => undefined, subscription: () => undefined },
    filters: options.filters ?? NO_FILTERS,
    offsets: { commit: (...commit) => void committed.push(commit) },
    stats,
    traffic,
    clock,
    logger: silentLogger,
    settings: {
      brokerName: 'broker-a',
      storeHost,
      readable: () => true,
      maxTransferCount: 32,
      maxTransferBytes: options.maxTransferBytes ?? 256 * 1024,
      longPollingEnable: true,
      shortPollingTimeMs: 1000,
      slaveReadEnable: false,
      memoryWindowBytes: 1 << 30,
      readLimits: { memoryWindowBytes: 1 << 30, maxCountOnDisk: 8, maxBytesOnDisk: 64 * 1024 },
    },
  })
  const server = new RemotingServer({ clock, logger: silentLogger, unknownCode: 'answer-not-supported' })
  const { port } = await server.listen({
    host: '127.0.0.1',
    port: 0,
    handlers: [...send.handlers, ...pull.handlers],
    frameHandlers: new Map([...send.frameHandlers, ...pull.frameHandlers]),
  })
  const connect = (): Promise<RawClient> => RawClient.connect(`127.0.0.1:${port}`)
  const client = await connect()
  stops.push(
    () => gate.stop(),
    () => server.stop(),
    () => pull.stop(),
    () => traffic.stop(),
    () => client.close(),
  )
  return {
    client,
    store: opened,
    topics,
    committed,
    parkedPulls: pull.parkedPulls,
    traffic,
    connect,
    async read(topic, queueId) {
      await waitFor('the dispatch of all messages', () => opened.watermarks.dispatched === opened.watermarks.appended)
      return readQueue(client, topic, queueId)
    },
  }
}
