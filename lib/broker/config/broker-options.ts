import { join } from 'node:path'
import { ApogeeError } from '../../base/errors.ts'
import type { HaSettings } from '../../ha/slave-link.ts'
import type { WritePath } from '../../store/message-store.ts'
import type { ConfigValues } from './config-values.ts'
import { parseDelayLevels } from './delay-levels.ts'
import { addressServerUrl, nameServerAddresses } from './name-server-addresses.ts'

/** Part of a broker in replication. */
export type BrokerRole = 'ASYNC_MASTER' | 'SYNC_MASTER' | 'SLAVE'

/** What the parts of a broker go by: one immutable snapshot, replaced as a whole by a change at run time. */
export interface BrokerOptions {
  readonly identity: {
    readonly clusterName: string
    readonly brokerName: string
    /** 0 for a master. */
    readonly brokerId: number
    readonly role: BrokerRole
    /** brokerIP1: what clients are told. */
    readonly host: string
    /** brokerIP2: what slaves are told. */
    readonly haHost: string
    readonly regionId: string
    /** Bits laid over all topics' permissions when one of read and write is missing. */
    readonly permission: number
  }
  readonly topics: {
    readonly autoCreate: boolean
    readonly defaultQueueNums: number
    readonly clusterTopicEnabled: boolean
    readonly brokerTopicEnabled: boolean
    readonly traceTopicEnabled: boolean
    readonly traceTopic: string
  }
  readonly groups: { readonly autoCreate: boolean; readonly notifyMembers: boolean }
  readonly offsets: { readonly flushIntervalMs: number }
  readonly send: {
    readonly maxBodyBytes: number
    /** Sends before this time (ms since the epoch) are refused. */
    readonly acceptFromMs: number
    readonly rejectTransactions: boolean
    readonly storeReplies: boolean
    readonly traceOn: boolean
    readonly syncFlushTimeoutMs: number
    /** How long a send waits for a slave at most; a SYNC_MASTER's only. */
    readonly slaveTimeoutMs: number
    /** Sends that may wait for the device at once. */
    readonly maxWaiting: number
    /** An append that takes longer makes the broker busy. */
    readonly busyAfterMs: number
    /** Bytes of the log that may wait for the device; 0: any number. */
    readonly maxBacklogBytes: number
  }
  readonly pull: {
    readonly longPolling: boolean
    /** How long a pull that finds nothing waits when long polling is off. */
    readonly shortPollingMs: number
    readonly slaveRead: boolean
    readonly memoryMaxBytes: number
    readonly memoryMaxCount: number
    readonly diskMaxBytes: number
    readonly diskMaxCount: number
    /** Newest bytes of the log, in percent of memory, that count as being in memory. */
    readonly memoryRatioPercent: number
    readonly checkOffsetInSlave: boolean
    readonly disableSlowGroups: boolean
    readonly slowGroupBytes: number
  }
  readonly filter: {
    /** Whether SQL92 filters may be used. */
    readonly byProperties: boolean
    /** Whether they hold for the messages of retry topics too. */
    readonly retries: boolean
    /** How long filters of groups that have gone are kept. */
    readonly cleanAfterMs: number
    readonly expectedGroups: number
    /** Filter servers that may register; 0: none. */
    readonly maxServers: number
    readonly bloomErrorPercent: number
    /** Whether queue entries get filter bit maps. */
    readonly bitMaps: boolean
  }
  readonly transactions: {
    /** Between two rounds of the check. */
    readonly intervalMs: number
    /** Age at which the producer of a half is asked. */
    readonly timeoutMs: number
    readonly maxTimes: number
  }
  readonly query: { readonly maxCount: number; readonly uniqueKeyMaxCount: number }
  readonly delay: {
    readonly levelsMs: readonly number[]
    /** Time between writes of delayOffset.json. */
    readonly flushOffsetsIntervalMs: number
    /** Whether deliveries count as puts. */
    readonly stats: boolean
  }
  /** Messages with a delivery time of their own. */
  readonly timer: {
    readonly enabled: boolean
    readonly maxDelayMs: number
    readonly precisionMs: number
    readonly maxPending: number
    readonly recallEnabled: boolean
    /** Whether recalls are taken while `identity.permission` forbids writing. */
    readonly recallWhenNotWritable: boolean
  }
  readonly store: {
    readonly rootDir: string
    readonly commitLogDir: string
    readonly configDir: string
    readonly segmentBytes: number
    readonly consumeQueueFileBytes: number
    readonly indexEnabled: boolean
    readonly indexSlots: number
    readonly indexItems: number
    readonly checkCrcOnRecover: boolean
    readonly flushMode: 'async' | 'sync'
    readonly flushIntervalMs: number
    readonly flushLeastPages: number
    readonly flushThoroughIntervalMs: number
    readonly commitIntervalMs: number
    readonly commitLeastPages: number
    readonly commitThoroughIntervalMs: number
    readonly writePath: WritePath
    readonly stagingBytes: number
    readonly directIo: boolean
    readonly dispatchDurableOnly: boolean
    readonly warmSegments: boolean
    readonly recycleSegments: boolean
    readonly consumeQueueFlushIntervalMs: number
    readonly multiDispatch: { readonly enabled: boolean; readonly lmqEnabled: boolean; readonly maxLmqQueues: number }
    readonly consumeQueueExt: {
      readonly enabled: boolean
      readonly fileBytes: number
      readonly bitMapBits: number
    }
  }
  readonly retention: {
    /** How long log segments are kept. */
    readonly reservedMs: number
    /** Local hours, 0 to 23, during which older ones are deleted. */
    readonly deleteHours: readonly number[]
    /** Disk use above which they are deleted at any hour. */
    readonly cleanPercent: number
    /** Whether a nearly full disk deletes younger ones too. */
    readonly cleanForcibly: boolean
    readonly cleanIntervalMs: number
    readonly deleteSegmentIntervalMs: number
    readonly deleteQueueFilesIntervalMs: number
    readonly destroyPinnedAfterMs: number
  }
  readonly net: {
    /** 0: any free port, and no VIP listener. */
    readonly listenPort: number
    /** Where slaves dial; 0: any free port. */
    readonly haPort: number
    readonly idleMs: number
    readonly backlog: number
    readonly connectTimeoutMs: number
    /** Whether connections to name servers use TLS. */
    readonly secure: boolean
  }
  readonly ha: HaSettings
  readonly registration: {
    /** host:port of every name server; none runs the broker by itself. */
    readonly nameServers: readonly string[]
    /** Asked for name servers, where none is configured. */
    readonly addressServerUrl: string | undefined
    /** Between 10 s and 60 s, as Java bounds it. */
    readonly periodMs: number
    readonly timeoutMs: number
    readonly force: boolean
    readonly compressed: boolean
    /** Changed topics are told one by one with the request that name servers have since 5.0. */
    readonly singleTopics: boolean
  }
}

const invalid = (sentence: string): ApogeeError => new ApogeeError('CONFIG_INVALID', sentence)

/** Consumers choose among them by chance: more are of no use. */
const MAX_FILTER_SERVERS = 16

const clamp = (value: number, min: number, max: number): number => Math.max(min, Math.min(value, max))

/** As in Java, name servers that are configured go before an address server. */
const registrationOptions = ({ broker }: ConfigValues): BrokerOptions['registration'] => ({
  nameServers: nameServerAddresses('namesrvAddr', broker.namesrvAddr ?? ''),
  addressServerUrl:
    broker.fetchNamesrvAddrByAddressServer && (broker.namesrvAddr ?? '').trim() === ''
      ? addressServerUrl(
          broker.rmqAddressServerDomain ?? broker['rocketmq.namesrv.domain'],
          broker.rmqAddressServerSubGroup ?? broker['rocketmq.namesrv.domain.subgroup'],
        )
      : undefined,
  periodMs: clamp(broker.registerNameServerPeriod, 10_000, 60_000),
  timeoutMs: broker.registerBrokerTimeoutMills,
  force: broker.forceRegister,
  compressed: broker.compressedRegister,
  singleTopics: broker.enableSingleTopicRegister,
})

/** The newest bytes of the log that are surely in memory. */
const NEAR_BYTES = 64 * 1024 * 1024

const identity = ({ broker, store }: ConfigValues): BrokerOptions['identity'] => {
  if (store.brokerRole === 'SLAVE' && broker.brokerId <= 0) throw invalid('the brokerId of a slave must be above 0')
  return {
    clusterName: broker.brokerClusterName,
    brokerName: broker.brokerName,
    brokerId: store.brokerRole === 'SLAVE' ? broker.brokerId : 0,
    role: store.brokerRole,
    host: broker.brokerIP1,
    haHost: broker.brokerIP2,
    regionId: broker.regionId,
    permission: broker.brokerPermission,
  }
}

/** As in Java, the pool is for masters under ASYNC_FLUSH; elsewhere its key says nothing. */
const transientPool = (store: ConfigValues['store']): boolean =>
  store.transientStorePoolEnable && store.flushDiskType === 'ASYNC_FLUSH' && store.brokerRole !== 'SLAVE'

const storeOptions = ({ store }: ConfigValues): BrokerOptions['store'] => {
  const commitLogDir = store.storePathCommitLog ?? join(store.storePathRootDir, 'commitlog')
  return {
    rootDir: store.storePathRootDir,
    commitLogDir,
    configDir: join(store.storePathRootDir, 'config'),
    segmentBytes: store.mappedFileSizeCommitLog,
    consumeQueueFileBytes: store.mappedFileSizeConsumeQueue,
    indexEnabled: store.messageIndexEnable,
    indexSlots: store.maxHashSlotNum,
    indexItems: store.maxIndexNum,
    checkCrcOnRecover: store.checkCRCOnRecover,
    flushMode: store.flushDiskType === 'SYNC_FLUSH' ? 'sync' : 'async',
    flushIntervalMs: store.flushIntervalCommitLog,
    flushLeastPages: store.flushCommitLogLeastPages,
    flushThoroughIntervalMs: store.flushCommitLogThoroughInterval,
    commitIntervalMs: store.commitIntervalCommitLog,
    commitLeastPages: store.commitCommitLogLeastPages,
    commitThoroughIntervalMs: store.commitCommitLogThoroughInterval,
    writePath: transientPool(store) ? 'pool' : store.commitLogWritePath,
    stagingBytes: store.stagingBufferSize,
    directIo: store.commitLogDirectIo,
    dispatchDurableOnly: store.dispatchDurableOnly,
    warmSegments: store.warmMapedFileEnable,
    recycleSegments: store.recycleCommitLogFiles,
    consumeQueueFlushIntervalMs: store.flushIntervalConsumeQueue,
    multiDispatch: {
      enabled: store.enableMultiDispatch,
      lmqEnabled: store.enableLmq,
      maxLmqQueues: store.maxLmqConsumeQueueNum,
    },
    consumeQueueExt: {
      enabled: store.enableConsumeQueueExt,
      fileBytes: store.mappedFileSizeConsumeQueueExt,
      bitMapBits: store.bitMapLengthConsumeQueueExt,
    },
  }
}

/** `deleteWhen`: hours of the day split by `;`. */
const deleteHours = (value: string): number[] => {
  const hours = value
    .split(';')
    .map((hour) => hour.trim())
    .filter((hour) => hour !== '')
  for (const hour of hours) {
    if (!/^\d{1,2}$/.test(hour) || Number(hour) > 23) throw invalid(`deleteWhen: ${hour} is no hour from 00 to 23`)
  }
  if (hours.length === 0) throw invalid('deleteWhen names no hour; several are split by ;')
  return hours.map(Number)
}

const timerOptions = ({ broker, store }: ConfigValues): BrokerOptions['timer'] => ({
  enabled: store.timerWheelEnable,
  maxDelayMs: store.timerMaxDelaySec * 1000,
  precisionMs: store.timerPrecisionMs,
  maxPending: store.timerMaxPending,
  recallEnabled: broker.recallMessageEnable,
  recallWhenNotWritable: broker.allowRecallWhenBrokerNotWriteable,
})

const retentionOptions = ({ store }: ConfigValues): BrokerOptions['retention'] => ({
  reservedMs: store.fileReservedTime * 3_600_000,
  deleteHours: deleteHours(store.deleteWhen),
  cleanPercent: store.diskMaxUsedSpaceRatio,
  cleanForcibly: store.cleanFileForciblyEnable,
  cleanIntervalMs: store.cleanResourceInterval,
  deleteSegmentIntervalMs: store.deleteCommitLogFilesInterval,
  deleteQueueFilesIntervalMs: store.deleteConsumeQueueFilesInterval,
  destroyPinnedAfterMs: store.destroyMapedFileIntervalForcibly,
})

const pullOptions = ({ broker, store }: ConfigValues): BrokerOptions['pull'] => ({
  longPolling: broker.longPollingEnable,
  shortPollingMs: broker.shortPollingTimeMills,
  slaveRead: broker.slaveReadEnable,
  memoryMaxBytes: store.maxTransferBytesOnMessageInMemory,
  memoryMaxCount: store.maxTransferCountOnMessageInMemory,
  diskMaxBytes: store.maxTransferBytesOnMessageInDisk,
  diskMaxCount: store.maxTransferCountOnMessageInDisk,
  memoryRatioPercent: store.accessMessageInMemoryMaxRatio,
  checkOffsetInSlave: store.offsetCheckInSlave,
  disableSlowGroups: broker.disableConsumeIfConsumerReadSlowly,
  slowGroupBytes: broker.consumerFallbehindThreshold,
})

/**
 * The typed options that a set of configuration values means.
 * @throws {ApogeeError} `CONFIG_INVALID` when values contradict each other or ask for something that is not there
 */
export const brokerOptions = (values: ConfigValues): BrokerOptions => {
  const { broker, store, netServer, netClient } = values
  return Object.freeze({
    identity: identity(values),
    topics: {
      autoCreate: broker.autoCreateTopicEnable,
      defaultQueueNums: broker.defaultTopicQueueNums,
      clusterTopicEnabled: broker.clusterTopicEnable,
      brokerTopicEnabled: broker.brokerTopicEnable,
      traceTopicEnabled: broker.traceTopicEnable,
      traceTopic: broker.msgTraceTopicName,
    },
    groups: { autoCreate: broker.autoCreateSubscriptionGroup, notifyMembers: broker.notifyConsumerIdsChangedEnable },
    offsets: { flushIntervalMs: broker.flushConsumerOffsetInterval },
    send: {
      maxBodyBytes: store.maxMessageSize,
      acceptFromMs: broker.startAcceptSendRequestTimeStamp,
      rejectTransactions: broker.rejectTransactionMessage,
      storeReplies: broker.storeReplyMessageEnable,
      traceOn: broker.traceOn,
      syncFlushTimeoutMs: store.syncFlushTimeout,
      slaveTimeoutMs: store.slaveTimeout,
      maxWaiting: broker.sendThreadPoolQueueCapacity,
      busyAfterMs: store.osPageCacheBusyTimeOutMills,
      maxBacklogBytes: store.flushBacklogMaxBytes,
    },
    pull: pullOptions(values),
    transactions: {
      intervalMs: broker.transactionCheckInterval,
      timeoutMs: broker.transactionTimeOut,
      maxTimes: broker.transactionCheckMax,
    },
    filter: {
      byProperties: broker.enablePropertyFilter,
      retries: broker.filterSupportRetry,
      cleanAfterMs: broker.filterDataCleanTimeSpan,
      expectedGroups: broker.expectConsumerNumUseFilter,
      maxServers: Math.min(broker.filterServerNums, MAX_FILTER_SERVERS),
      bloomErrorPercent: broker.maxErrorRateOfBloomFilter,
      bitMaps: broker.enableCalcFilterBitMap && store.enableConsumeQueueExt,
    },
    query: { maxCount: store.maxMsgsNumBatch, uniqueKeyMaxCount: store.defaultQueryMaxNum },
    delay: {
      levelsMs: parseDelayLevels(store.messageDelayLevel),
      flushOffsetsIntervalMs: store.flushDelayOffsetInterval,
      stats: store.enableScheduleMessageStats,
    },
    timer: timerOptions(values),
    store: storeOptions(values),
    retention: retentionOptions(values),
    net: {
      listenPort: netServer.listenPort,
      haPort: netServer.listenPort === 0 ? 0 : netServer.listenPort + 1,
      idleMs: netServer.serverChannelMaxIdleTimeSeconds * 1000,
      backlog: netServer.serverSocketBacklog,
      connectTimeoutMs: netClient.connectTimeoutMillis,
      secure: netClient.useTLS,
    },
    registration: registrationOptions(values),
    ha: {
      heartbeatMs: store.haSendHeartbeatInterval,
      silenceMs: store.haHousekeepingInterval,
      frameBytes: store.haTransferBatchSize,
      fallbehindMaxBytes: store.haSlaveFallbehindMax,
      // Written past the page cache, only what is still in the staging ring is in memory.
      nearBytes: store.commitLogDirectIo ? Math.min(NEAR_BYTES, store.stagingBufferSize / 2) : NEAR_BYTES,
    },
  })
}
