import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { appendRowColumns } from './append-batch.ts'
import type { KeyQueryResult, LogDamage, QueueEntry, RecoveryReport, StoreOptions } from './message-store.ts'
import { pullResultColumns } from './pull-result.ts'
import type { RetentionOptions, RetentionRequestKind, RetentionResult, RetentionStats } from './retention.ts'
import { AppendStatus, PullStatus } from './status.ts'
import { StoreError, type StoreErrorCode } from './store-error.ts'

/** Bits that say why the addon woke the event loop. */
export const WakeReason = {
  PROGRESS: 1,
  ARRIVAL: 2,
  OPENED: 4,
  CLOSED: 8,
  READ_AHEAD: 16,
  RETENTION: 32,
  RECOVERING: 64,
  DISPATCHED: 128,
} as const

/** Cells that {@link StoreAddon.readWatermarks} fills in. `failed` is 1 once the store is read-only. */
export const watermarkColumns = ['appended', 'committed', 'flushed', 'dispatched', 'failed'] as const

/** Makes the error that the addon throws or hands over. */
export type ErrorFactory = (code: StoreErrorCode, message: string, cause: StoreError | undefined) => StoreError

/** Called on the event loop; `error` belongs to OPENED or CLOSED. */
export type WakeListener = (reasons: number, error: StoreError | undefined) => void

/**
 * The compiled part, per thread. `id` names one store of this thread; an id that is not open ends in `STORE_CLOSED`.
 * Numbers, ranges and array types are checked there.
 */
export interface StoreAddon {
  readonly statusNames: readonly string[]
  readonly pullStatusNames: readonly string[]
  readonly appendRowColumns: readonly string[]
  readonly pullResultColumns: readonly string[]
  readonly watermarkColumns: readonly string[]
  /** Starts opening; ends in one wake-up with OPENED. */
  open(options: StoreOptions, onWake: WakeListener, makeError: ErrorFactory): number
  recovery(id: number): RecoveryReport
  /** Cells: phase (0 check, 1 dispatch), bytes done, bytes in all. Also while opening. */
  recoveryProgress(id: number, cells: Float64Array): void
  /** Starts closing; ends in one wake-up with CLOSED, the last use of the id. */
  close(id: number): void
  /** Closes every open store of this thread before it returns. No listener is told. */
  closeAll(): void
  append(id: number, cells: Float64Array, count: number, body: Uint8Array, aux: Uint8Array): number
  requestFlush(id: number, endOffset: number): void
  /**
   * What somebody waits for: a sum of PROGRESS, ARRIVAL and DISPATCHED. These wake the event loop (ARRIVAL always
   * does), and the store keeps the loop alive while there is any.
   */
  setWaiting(id: number, reasons: number): void
  readWatermarks(id: number, cells: Float64Array): void
  pull(
    id: number,
    topic: number,
    queueId: number,
    fromQueueOffset: number,
    maxCount: number,
    tagCodes: Int32Array,
    maxBytes: number,
    into: Uint8Array,
    intoStart: number,
    cells: Float64Array,
    mayWaitForDisk: boolean,
    filterBits: Float64Array,
  ): void
  setFilters(id: number, filters: Uint8Array): number
  setReadLimits(id: number, memoryWindowBytes: number, maxCountOnDisk: number, maxBytesOnDisk: number): void
  /** These six give a ticket, -1 when too much is waiting. One wake-up with READ_AHEAD follows the reading. */
  readAhead(
    id: number,
    topic: number,
    queueId: number,
    fromQueueOffset: number,
    maxCount: number,
    tagCodes: Int32Array,
    maxBytes: number,
  ): number
  readRecordAhead(id: number, physicalOffset: number): number
  queryAhead(id: number, topic: string, key: string, maxCount: number, beginMs: number, endMs: number): number
  readLogAhead(id: number, fromOffset: number, maxBytes: number): number
  offsetByTimeAhead(id: number, topic: number, queueId: number, timestampMs: number): number
  storeTimesAhead(id: number, topic: number, places: Float64Array): number
  takeLogDamage(id: number): LogDamage[]
  takeReadAhead(id: number, tickets: Uint32Array): number
  watch(id: number, topic: number, queueId: number, beyondQueueOffset: number): void
  setHurry(id: number, hurry: boolean): void
  takeArrivals(id: number, topics: Int32Array, queueIds: Int32Array): number
  bounds(id: number, topic: number, queueId: number, cells: Float64Array): boolean
  topic(id: number, name: string): number
  failure(id: number): StoreError | undefined
  offsetByTime(id: number, topic: number, queueId: number, timestampMs: number): number
  storeTimeAt(id: number, topic: number, queueId: number, queueOffset: number): number
  earliestStoreTime(id: number): number
  readRecord(id: number, physicalOffset: number): Buffer | undefined
  readLog(id: number, fromOffset: number, into: Uint8Array, intoStart: number, maxBytes: number): number
  /** The record's bytes in the log itself, pinned until detached or collected. */
  lease(id: number, physicalOffset: number): ArrayBuffer | undefined
  /** Takes the memory of a lease away from JavaScript; nothing to do when it is gone. */
  detach(bytes: ArrayBuffer): void
  queryByKey(id: number, topic: string, key: string, maxCount: number, beginMs: number, endMs: number): KeyQueryResult
  minPhysicalOffset(id: number): number
  retention(id: number): RetentionStats
  setRetention(id: number, options: RetentionOptions): void
  /** Gives the ticket of the result to come. What the kind has no use for is 0 or empty. */
  requestRetention(
    id: number,
    kind: RetentionRequestKind,
    physicalOffset: number,
    topic: string,
    timeMs: number,
    bytes: number,
  ): number
  takeRetentionResults(id: number): RetentionResult[]
  topicRetentions(id: number): { topic: string; timeMs: number; bytes: number }[]
  /** Waits for the disk. */
  removeTopic(id: number, name: string): number
  queueEntries(id: number, topic: number, queueId: number, fromQueueOffset: number, count: number): QueueEntry[]
  queues(id: number): { topic: string; queueId: number }[]
  /** Takes the lock of an open store. @throws {StoreError} `STORE_LOCKED` */
  lockDirectory(rootDir: string, makeError: ErrorFactory): object
  unlockDirectory(token: object): void
}

/** How the addon comes about. */
const buildHint = 'run `npm run build` in a checkout, `npm rebuild apogeemq` where the package is installed'
const addonPath = 'build/Release/apogee_store.node'

/** The nearest directory above this file with a package.json: the same from lib/ and from dist/. */
const packageRoot = (): string => {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory)
    if (parent === directory) throw new StoreError('STORE_ADDON_MISSING', 'no package.json above the store module')
    directory = parent
  }
  return directory
}

const checkNames = (what: string, ours: readonly string[], theirs: readonly string[]): void => {
  if (ours.length === theirs.length && ours.every((name, index) => name === theirs[index])) return
  throw new StoreError('STORE_ADDON_MISMATCH', `the store addon has other ${what} than this package: ${buildHint}`)
}

const checkTables = (addon: StoreAddon): StoreAddon => {
  checkNames('append statuses', Object.keys(AppendStatus), addon.statusNames)
  checkNames('pull statuses', Object.keys(PullStatus), addon.pullStatusNames)
  checkNames('append columns', appendRowColumns, addon.appendRowColumns)
  checkNames('pull columns', pullResultColumns, addon.pullResultColumns)
  checkNames('watermark columns', watermarkColumns, addon.watermarkColumns)
  return addon
}

let loaded: StoreAddon | undefined

/**
 * The addon of this thread, loaded on first use.
 *
 * @throws {StoreError} `STORE_ADDON_MISSING` when it was not built or cannot be loaded, `STORE_ADDON_MISMATCH` when it
 *   was built from other sources
 */
export const loadAddon = (): StoreAddon => {
  if (loaded !== undefined) return loaded
  const file = join(packageRoot(), addonPath)
  if (!existsSync(file)) {
    throw new StoreError('STORE_ADDON_MISSING', `the store addon is not built (no ${file}): ${buildHint}`)
  }
  let addon: StoreAddon
  try {
    addon = createRequire(import.meta.url)(file) as StoreAddon
  } catch (cause) {
    throw new StoreError('STORE_ADDON_MISSING', `the store addon ${file} cannot be loaded here: ${buildHint}`, {
      cause,
    })
  }
  loaded = checkTables(addon)
  // A process that is told to exit gets no cleanup from Node, unlike one whose event loop runs empty.
  process.once('exit', () => addon.closeAll())
  return loaded
}
