import { statfs } from 'node:fs/promises'
import { PROTOCOL_VERSION } from '../protocol/remoting-command.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { Delay } from './delay/delay.ts'
import type { AdmissionState } from './send/admission.ts'
import type { BrokerStats } from './stats.ts'

/** Name of the version whose behaviour this broker has, as tools show it. */
const VERSION_NAME = 'V4_9_8'

/** What the runtime info is made of. */
export interface RuntimeSources {
  readonly config: BrokerConfig
  readonly store: Pick<MessageStore, 'watermarks' | 'minPhysicalOffset' | 'earliestStoreTime' | 'failure' | 'retention'>
  readonly stats: BrokerStats
  readonly delay: Pick<Delay, 'progress'>
  /** Counters of topics and groups that are kept. */
  readonly traffic: { readonly size: number }
  readonly nowMs: () => number
  /** Pulls waiting for messages. */
  readonly parkedPulls: () => number
  /** Sends waiting for the device. */
  readonly sendLoad: () => AdmissionState
}

/** Size of a file system and what is free of it; 0 when it cannot be asked. */
const diskSize = async (path: string): Promise<{ totalBytes: number; freeBytes: number }> => {
  try {
    const { bsize, blocks, bavail } = await statfs(path)
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
  } catch {
    // No reason to answer nothing.
    return { totalBytes: 0, freeBytes: 0 }
  }
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `1.5 GiB`: bytes with one digit behind the point. */
const readableBytes = (bytes: number): string => {
  const step = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return step === 0 ? `${bytes} B` : `${(bytes / 1024 ** step).toFixed(1)} ${UNITS[step]}`
}

const uptime = (elapsedMs: number): string => {
  const seconds = Math.floor(elapsedMs / 1000)
  const parts = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ]
  return `[ ${parts[0]} days, ${parts[1]} hours, ${parts[2]} minutes, ${parts[3]} seconds ]`
}

/** Rates of three windows split by blanks. */
const rateText = (rates: readonly number[]): string => rates.join(' ')

const storeInfo = ({ store, stats, nowMs }: RuntimeSources): [string, string | number][] => {
  const { putMessages, putBytes, putFailures } = stats.totals
  const transferred = rateText(stats.rates('gotMessages'))
  return [
    ['bootTimestamp', stats.startedAtMs],
    ['runtime', uptime(nowMs() - stats.startedAtMs)],
    ['putMessageEntireTimeMax', 0],
    ['putMessageTimesTotal', Math.max(1, putMessages)],
    ['putMessageFailedTimes', putFailures],
    ['putMessageSizeTotal', putBytes],
    ['putMessageDistributeTime', ''],
    ['putMessageAverageSize', putBytes / Math.max(1, putMessages)],
    ['dispatchMaxBuffer', 0],
    ['getMessageEntireTimeMax', 0],
    ['putTps', rateText(stats.rates('putMessages'))],
    ['getFoundTps', rateText(stats.rates('foundPulls'))],
    ['getMissTps', rateText(stats.rates('missedPulls'))],
    ['getTotalTps', rateText(stats.rates('foundPulls', 'missedPulls'))],
    ['getTransferedTps', transferred],
    ['getTransferredTps', transferred],
    ['putLatency99', '0.00'],
    ['putLatency999', '0.00'],
    ['commitLogMinOffset', store.minPhysicalOffset],
    ['commitLogMaxOffset', store.watermarks.appended],
    ['dispatchBehindBytes', Math.max(0, store.watermarks.appended - store.watermarks.dispatched)],
    ['earliestMessageTimeStamp', store.earliestStoreTime()],
    ['remainTransientStoreBufferNumbs', 0],
    ['remainHowManyDataToFlush', readableBytes(Math.max(0, store.watermarks.appended - store.watermarks.flushed))],
    ...(store.failure === undefined ? [] : [['storeReadOnlyReason', store.failure.message] as [string, string]]),
  ]
}

/** What retention does, where tools of ours look; empty texts are left out. */
const retentionInfo = ({ store }: RuntimeSources): [string, string | number][] => {
  const { deletedSegments, lastDeleteMs, refusal, clockDoubt, problem } = store.retention
  const texts: [string, string][] = [
    ['storeRefusal', refusal],
    ['storeClockDoubt', clockDoubt],
    ['storeCleanProblem', problem],
  ]
  return [
    ['storeDeletedSegments', deletedSegments],
    ['storeLastDeleteTimestamp', lastDeleteMs],
    ...texts.filter(([, text]) => text !== ''),
  ]
}

/** Java's thread pools have no counterpart here: their queues are empty, sends that wait for the device apart. */
const queueInfo = ({ config, parkedPulls, sendLoad, traffic }: RuntimeSources): [string, string | number][] => {
  const { broker } = config.values
  const { waiting, oldestWaitMs, slowAppendMs } = sendLoad()
  return [
    ['sendThreadPoolQueueSize', waiting],
    ['sendThreadPoolQueueCapacity', broker.sendThreadPoolQueueCapacity],
    ['pullThreadPoolQueueSize', 0],
    ['pullThreadPoolQueueCapacity', broker.pullThreadPoolQueueCapacity],
    ['queryThreadPoolQueueSize', 0],
    ['queryThreadPoolQueueCapacity', broker.queryThreadPoolQueueCapacity],
    ['EndTransactionQueueSize', 0],
    ['EndTransactionThreadPoolQueueCapacity', broker.endTransactionPoolQueueCapacity],
    ['sendThreadPoolQueueHeadWaitTimeMills', oldestWaitMs],
    ['pullThreadPoolQueueHeadWaitTimeMills', 0],
    ['queryThreadPoolQueueHeadWaitTimeMills', 0],
    ['pageCacheLockTimeMills', slowAppendMs],
    ['parkedPulls', parkedPulls()],
    ['statsItems', traffic.size],
  ]
}

/** Where each delay level stands: next offset and end of its queue. */
const delayInfo = ({ delay }: RuntimeSources): [string, string][] =>
  delay
    .progress()
    .map(({ level, nextOffset, maxOffset }) => [`scheduleMessageOffset_${level}`, `${nextOffset},${maxOffset}`])

const dayInfo = (stats: BrokerStats): [string, number][] => {
  const put = stats.byDay('putMessages')
  const got = stats.byDay('gotMessages')
  return [
    ['msgPutTotalYesterdayMorning', put.yesterdayMorning],
    ['msgPutTotalTodayMorning', put.todayMorning],
    ['msgPutTotalTodayNow', put.todayNow],
    ['msgGetTotalYesterdayMorning', got.yesterdayMorning],
    ['msgGetTotalTodayMorning', got.todayMorning],
    ['msgGetTotalTodayNow', got.todayNow],
  ]
}

/** Everything tools read about a running broker, as code 28 answers it: names and texts. */
export const runtimeInfo = async (sources: RuntimeSources): Promise<Map<string, string>> => {
  const { store, send } = sources.config.current
  const root = await diskSize(store.rootDir)
  const { logUsedRatio, rootUsedRatio } = sources.store.retention
  const info: [string, string | number][] = [
    ['brokerVersionDesc', VERSION_NAME],
    ['brokerVersion', PROTOCOL_VERSION],
    ...storeInfo(sources),
    ...retentionInfo(sources),
    ...dayInfo(sources.stats),
    ...delayInfo(sources),
    ...queueInfo(sources),
    ['startAcceptSendRequestTimeStamp', send.acceptFromMs],
    ['commitLogDiskRatio', logUsedRatio],
    [`commitLogDiskRatio_${store.commitLogDir}`, logUsedRatio],
    ['consumeQueueDiskRatio', rootUsedRatio],
    ['commitLogDirCapacity', `Total : ${readableBytes(root.totalBytes)}, Free : ${readableBytes(root.freeBytes)}.`],
  ]
  return new Map(info.map(([name, value]) => [name, String(value)]))
}
