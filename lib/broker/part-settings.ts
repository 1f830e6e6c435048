import { BloomFilter } from '../filter/index.ts'
import { isReadable, isWriteable } from '../protocol/permissions.ts'
import type { ReadLimits, StoreOptions } from '../store/message-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { BrokerOptions } from './config/broker-options.ts'
import type { PullParts } from './pull/pull.ts'
import type { ReplyParts } from './replies/reply-messages.ts'
import { retentionOptionsOf } from './retention.ts'
import type { SendParts } from './send/send.ts'

/** brokerIP1 as an IP literal, and the listen port: what records and message ids name. */
export interface StoreHost {
  readonly address: string
  readonly port: number
}

/** What the store is opened with. */
export const storeOptionsOf = (options: BrokerOptions, storeHost: StoreHost): StoreOptions => {
  const { store, send, delay } = options
  return {
    rootDir: store.rootDir,
    commitLogDir: store.commitLogDir,
    segmentBytes: store.segmentBytes,
    consumeQueueFileBytes: store.consumeQueueFileBytes,
    maxBodyBytes: send.maxBodyBytes,
    indexEnabled: store.indexEnabled,
    indexSlots: store.indexSlots,
    indexItems: store.indexItems,
    checkCrcOnRecover: store.checkCrcOnRecover,
    flush: {
      mode: store.flushMode,
      intervalMs: store.flushIntervalMs,
      leastPages: store.flushLeastPages,
      thoroughIntervalMs: store.flushThoroughIntervalMs,
      commitIntervalMs: store.commitIntervalMs,
      commitLeastPages: store.commitLeastPages,
      commitThoroughIntervalMs: store.commitThoroughIntervalMs,
    },
    writePath: store.writePath,
    stagingBytes: store.stagingBytes,
    directIo: store.directIo,
    dispatchDurableOnly: store.dispatchDurableOnly,
    warmSegments: store.warmSegments,
    recycleSegments: store.recycleSegments,
    consumeQueueFlushIntervalMs: store.consumeQueueFlushIntervalMs,
    multiDispatch: store.multiDispatch,
    consumeQueueExt: consumeQueueExtOf(options),
    retention: retentionOptionsOf(options),
    storeHost,
    delayLevelsMs: delay.levelsMs,
  }
}

/** As Java, bit maps have the size of the bloom filter whatever `bitMapLengthConsumeQueueExt` says. */
const consumeQueueExtOf = ({ store, filter }: BrokerOptions): BrokerOptions['store']['consumeQueueExt'] => {
  if (!filter.bitMaps) return store.consumeQueueExt
  return {
    ...store.consumeQueueExt,
    bitMapBits: new BloomFilter(filter.bloomErrorPercent, filter.expectedGroups).bitNum,
  }
}

/** What the send path goes by. */
export const sendSettingsOf = (config: BrokerConfig, storeHost: StoreHost): SendParts['settings'] => {
  const { identity, send } = config.current
  return {
    clusterName: identity.clusterName,
    regionId: identity.regionId,
    traceOn: send.traceOn,
    maxBodyBytes: send.maxBodyBytes,
    acceptFromMs: send.acceptFromMs,
    storeHost,
    writable: () => isWriteable(config.current.identity.permission),
    admission: {
      capacity: () => config.current.send.maxWaiting,
      busyAfterMs: () => config.current.send.busyAfterMs,
      maxBacklogBytes: () => config.current.send.maxBacklogBytes,
    },
  }
}

/** What replies go by. */
export const replySettingsOf = (config: BrokerConfig, storeHost: StoreHost): ReplyParts['settings'] => {
  const { identity, send } = config.current
  const { regionId } = identity
  return { regionId, traceOn: send.traceOn, storeHost, storeReplies: () => config.current.send.storeReplies }
}

/** Java's limits for old messages; the same object as long as the configuration is the same. */
const readLimitsOf = (config: BrokerConfig, memoryWindowBytes: () => number): (() => ReadLimits) => {
  let of: BrokerOptions['pull'] | undefined
  let limits: ReadLimits | undefined
  return () => {
    const { pull } = config.current
    if (limits === undefined || of !== pull) {
      of = pull
      const { diskMaxCount: maxCountOnDisk, diskMaxBytes: maxBytesOnDisk } = pull
      limits = { memoryWindowBytes: memoryWindowBytes(), maxCountOnDisk, maxBytesOnDisk }
    }
    return limits
  }
}

/** What the pull path goes by. Getters: these may change while the broker runs. */
export const pullSettingsOf = (
  config: BrokerConfig,
  storeHost: StoreHost,
  memoryWindowBytes: () => number,
  readLimits = readLimitsOf(config, memoryWindowBytes),
): PullParts['settings'] => ({
  brokerName: config.current.identity.brokerName,
  storeHost,
  readable: () => isReadable(config.current.identity.permission),
  get maxTransferCount() {
    return config.current.pull.memoryMaxCount
  },
  get maxTransferBytes() {
    return config.current.pull.memoryMaxBytes
  },
  get longPollingEnable() {
    return config.current.pull.longPolling
  },
  get shortPollingTimeMs() {
    return config.current.pull.shortPollingMs
  },
  get slaveReadEnable() {
    return config.current.pull.slaveRead
  },
  get isSlave() {
    return config.current.identity.role === 'SLAVE'
  },
  get checkOffsetInSlave() {
    return config.current.pull.checkOffsetInSlave
  },
  get memoryWindowBytes() {
    return memoryWindowBytes()
  },
  get readLimits() {
    return readLimits()
  },
})
