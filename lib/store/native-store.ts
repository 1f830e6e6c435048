import { resolve as resolvePath } from 'node:path'
import { type PromiseWithResolvers, promiseWithResolvers } from '../base/promise-with-resolvers.ts'
import type { AppendBatch } from './append-batch.ts'
import { ArrivalWaiters } from './arrival-waiters.ts'
import { encodeFilters, type FilterBits, NO_FILTER_BITS, type StoreFilter } from './filter-bits.ts'
import { LogProgress } from './log-progress.ts'
import type {
  KeyQueryResult,
  LogDamage,
  MessageStore,
  QueueEntry,
  ReadLimits,
  RecoveryProgress,
  RecoveryReport,
  StoreOptions,
  StoreWatermarks,
} from './message-store.ts'
import { type ErrorFactory, loadAddon, type StoreAddon, WakeReason } from './native-addon.ts'
import type { PullResult } from './pull-result.ts'
import { ReadTickets } from './read-tickets.ts'
import {
  type RetentionOptions,
  RetentionRequestKind,
  type RetentionStats,
  RetentionWaiters,
  type TopicRetention,
} from './retention.ts'
import { AppendStatus } from './status.ts'
import { StoreError, storeClosed } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'
import { callApart, throwApart, type WaiterCallback } from './watermark-waiters.ts'

type ArrivalListener = (topic: TopicHandle, queueId: number) => void

const arrivalsPerCall = 256
const everyTag = new Int32Array(0)

const tellArrival = (listener: ArrivalListener, topic: TopicHandle, queueId: number): void => {
  try {
    listener(topic, queueId)
  } catch (error) {
    throwApart(error)
  }
}

const makeError: ErrorFactory = (code, message, cause) =>
  new StoreError(code, message, cause === undefined ? {} : { cause })

/** The store of one addon id. See {@link MessageStore} for what the methods promise. */
class NativeStore implements MessageStore {
  readonly flushMode: 'async' | 'sync'
  readonly watermarks: StoreWatermarks
  readonly #addon: StoreAddon
  readonly #id: number
  readonly #progress: LogProgress
  readonly #boundsCells = new Float64Array(2)
  readonly #arrivedTopics = new Int32Array(arrivalsPerCall)
  readonly #arrivedQueueIds = new Int32Array(arrivalsPerCall)
  readonly #arrivalWaiters: ArrivalWaiters
  #waitingFor = 0
  readonly #reads = new ReadTickets()
  readonly #arrivalListeners: ArrivalListener[] = []
  readonly #retentionWaiters = new RetentionWaiters()
  readonly #retentionListeners: ((stats: RetentionStats) => void)[] = []
  /** Whether appends were refused and the clock doubted when listeners were last told. */
  #retentionState = ''
  readonly #opened: PromiseWithResolvers<MessageStore>
  readonly #closed: PromiseWithResolvers<void>
  readonly #onRecoveryProgress: ((progress: RecoveryProgress) => void) | undefined
  #recovery: RecoveryReport | undefined
  #isOpen = false
  #isClosing = false
  #failure: StoreError | undefined

  constructor(addon: StoreAddon, options: StoreOptions, opened: PromiseWithResolvers<MessageStore>) {
    this.#addon = addon
    this.#opened = opened
    this.#closed = promiseWithResolvers<void>()
    this.#onRecoveryProgress = options.onRecoveryProgress
    this.flushMode = options.flush?.mode ?? 'async'
    this.#progress = new LogProgress({
      readMarks: (marks) => addon.readWatermarks(this.#id, marks),
      failure: () => this.failure,
      setWaiting: (reason, isWaiting) => this.#setWaiting(reason, isWaiting),
    })
    this.watermarks = this.#progress.watermarks
    this.#arrivalWaiters = new ArrivalWaiters((isWaiting) => this.#setWaiting(WakeReason.ARRIVAL, isWaiting))
    this.#id = addon.open(options, (reasons, error) => this.#wake(reasons, error), makeError)
  }

  topic(name: string): TopicHandle {
    this.#mustBeOpen()
    return this.#addon.topic(this.#id, name) as TopicHandle
  }

  append(batch: AppendBatch): void {
    if (!this.#isOpen) {
      batch.failAll(AppendStatus.CLOSED)
      return
    }
    batch.endOffset = this.#addon.append(this.#id, batch.cells, batch.count, batch.body, batch.aux)
    this.#progress.noteAppended(batch.endOffset)
  }

  requestFlush(endOffset: number): void {
    this.#mustBeOpen()
    this.#addon.requestFlush(this.#id, endOffset)
  }

  whenFlushed(endOffset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onFlushed(endOffset, (error) => (error === undefined ? resolve() : reject(error)))
      if (this.#isOpen) this.requestFlush(endOffset)
    })
  }

  onFlushed(endOffset: number, callback: WaiterCallback): void {
    this.#progress.onFlushed(endOffset, callback)
  }

  async whenCommitted(endOffset: number): Promise<void> {
    return this.#progress.whenCommitted(endOffset)
  }

  async whenDispatched(endOffset: number): Promise<void> {
    return this.#progress.whenDispatched(endOffset)
  }

  get failure(): StoreError | undefined {
    if (this.#failure === undefined && this.#isOpen) this.#failure = this.#addon.failure(this.#id)
    return this.#failure
  }

  get recovery(): RecoveryReport {
    return this.#recovery!
  }

  pull(
    topic: TopicHandle,
    queueId: number,
    fromQueueOffset: number,
    maxCount: number,
    tagCodes: Int32Array | undefined,
    maxBytes: number,
    into: Buffer,
    intoStart: number,
    result: PullResult,
    wait = true,
    filter?: FilterBits,
  ): void {
    this.#mustBeOpen()
    const tags = tagCodes ?? everyTag
    const bits = filter?.cells ?? NO_FILTER_BITS
    const { cells } = result
    const id = this.#id
    this.#addon.pull(id, topic, queueId, fromQueueOffset, maxCount, tags, maxBytes, into, intoStart, cells, wait, bits)
  }

  setFilters(bitNum: number, filters: readonly StoreFilter[]): number {
    this.#mustBeOpen()
    return this.#addon.setFilters(this.#id, encodeFilters(bitNum, filters))
  }

  setReadLimits({ memoryWindowBytes, maxCountOnDisk, maxBytesOnDisk }: ReadLimits): void {
    this.#mustBeOpen()
    this.#addon.setReadLimits(this.#id, memoryWindowBytes, maxCountOnDisk, maxBytesOnDisk)
  }

  async readAhead(
    topic: TopicHandle,
    queueId: number,
    fromQueueOffset: number,
    maxCount: number,
    tagCodes: Int32Array | undefined,
    maxBytes: number,
  ): Promise<boolean> {
    this.#mustBeOpen()
    const tags = tagCodes ?? everyTag
    return this.#reads.wait(this.#addon.readAhead(this.#id, topic, queueId, fromQueueOffset, maxCount, tags, maxBytes))
  }

  async readRecordAhead(physicalOffset: number): Promise<boolean> {
    this.#mustBeOpen()
    return this.#reads.wait(this.#addon.readRecordAhead(this.#id, physicalOffset))
  }

  async queryAhead(topic: string, key: string, maxCount: number, beginMs: number, endMs: number): Promise<boolean> {
    this.#mustBeOpen()
    return this.#reads.wait(this.#addon.queryAhead(this.#id, topic, key, maxCount, beginMs, endMs))
  }

  async offsetByTimeAhead(topic: TopicHandle, queueId: number, timestampMs: number): Promise<boolean> {
    this.#mustBeOpen()
    return this.#reads.wait(this.#addon.offsetByTimeAhead(this.#id, topic, queueId, timestampMs))
  }

  async storeTimesAhead(topic: TopicHandle, places: Float64Array): Promise<boolean> {
    this.#mustBeOpen()
    return this.#reads.wait(this.#addon.storeTimesAhead(this.#id, topic, places))
  }

  async readLogAhead(fromOffset: number, maxBytes: number): Promise<boolean> {
    this.#mustBeOpen()
    return this.#reads.wait(this.#addon.readLogAhead(this.#id, fromOffset, maxBytes))
  }

  takeLogDamage(): LogDamage[] {
    this.#mustBeOpen()
    return this.#addon.takeLogDamage(this.#id)
  }

  watch(topic: TopicHandle, queueId: number, beyondQueueOffset: number): void {
    this.#mustBeOpen()
    this.#addon.watch(this.#id, topic, queueId, beyondQueueOffset)
  }

  setHurry(hurry: boolean): void {
    this.#mustBeOpen()
    this.#addon.setHurry(this.#id, hurry)
  }

  whenArrived(topic: TopicHandle, queueId: number, beyondQueueOffset: number, signal?: AbortSignal): Promise<void> {
    if (!this.#isOpen) return Promise.reject(storeClosed())
    if (!this.#arrivalWaiters.isListening) {
      this.#arrivalWaiters.isListening = true
      this.onArrival((topic, queueId) => {
        if (!this.#arrivalWaiters.has(topic, queueId)) return
        this.#arrivalWaiters.arrived(topic, queueId, this.bounds(topic, queueId)?.max ?? 0)
        this.#watchForWaiters(topic, queueId)
      })
    }
    const arrived = this.#arrivalWaiters.wait(topic, queueId, beyondQueueOffset, signal)
    this.#watchForWaiters(topic, queueId)
    return arrived
  }

  #watchForWaiters(topic: TopicHandle, queueId: number): void {
    const beyond = this.#arrivalWaiters.beyond(topic, queueId)
    if (beyond !== undefined) this.watch(topic, queueId, beyond)
  }

  onArrival(listener: ArrivalListener): void {
    this.#mustBeOpen()
    this.#arrivalListeners.push(listener)
    // What arrived before anyone listened is still with the addon.
    if (this.#arrivalListeners.length === 1) queueMicrotask(() => this.#deliverArrivals())
  }

  bounds(topic: TopicHandle, queueId: number): { min: number; max: number } | undefined {
    this.#mustBeOpen()
    const cells = this.#boundsCells
    return this.#addon.bounds(this.#id, topic, queueId, cells) ? { min: cells[0]!, max: cells[1]! } : undefined
  }

  offsetByTime(topic: TopicHandle, queueId: number, timestampMs: number): number {
    this.#mustBeOpen()
    return this.#addon.offsetByTime(this.#id, topic, queueId, timestampMs)
  }

  storeTimeAt(topic: TopicHandle, queueId: number, queueOffset: number): number {
    this.#mustBeOpen()
    return this.#addon.storeTimeAt(this.#id, topic, queueId, queueOffset)
  }

  earliestStoreTime(): number {
    this.#mustBeOpen()
    return this.#addon.earliestStoreTime(this.#id)
  }

  readRecord(physicalOffset: number): Buffer | undefined {
    this.#mustBeOpen()
    return this.#addon.readRecord(this.#id, physicalOffset)
  }

  get replicableEnd(): number {
    return this.flushMode === 'sync' ? this.watermarks.flushed : this.watermarks.committed
  }

  readLog(fromOffset: number, into: Buffer, intoStart: number, maxBytes: number): number {
    this.#mustBeOpen()
    return this.#addon.readLog(this.#id, fromOffset, into, intoStart, maxBytes)
  }

  leaseRecord(physicalOffset: number): ArrayBuffer | undefined {
    this.#mustBeOpen()
    return this.#addon.lease(this.#id, physicalOffset)
  }

  detach(bytes: ArrayBuffer): void {
    this.#addon.detach(bytes)
  }

  queryByKey(topic: string, key: string, maxCount: number, beginMs: number, endMs: number): KeyQueryResult {
    this.#mustBeOpen()
    return this.#addon.queryByKey(this.#id, topic, key, maxCount, beginMs, endMs)
  }

  get minPhysicalOffset(): number {
    this.#mustBeOpen()
    return this.#addon.minPhysicalOffset(this.#id)
  }

  queueEntries(topic: TopicHandle, queueId: number, fromQueueOffset: number, count: number): QueueEntry[] {
    this.#mustBeOpen()
    return this.#addon.queueEntries(this.#id, topic, queueId, fromQueueOffset, count)
  }

  async removeTopic(topic: string): Promise<void> {
    this.#mustBeOpen()
    const ticket = this.#addon.removeTopic(this.#id, topic)
    const handle = this.topic(topic)
    await this.#retentionResult(ticket)
    this.#arrivalWaiters.removed(handle)
  }

  queues(): { topic: string; queueId: number }[] {
    this.#mustBeOpen()
    return this.#addon.queues(this.#id)
  }

  get retention(): RetentionStats {
    this.#mustBeOpen()
    return this.#addon.retention(this.#id)
  }

  setRetention(options: RetentionOptions): void {
    this.#mustBeOpen()
    this.#addon.setRetention(this.#id, options)
  }

  deleteExpiredNow(): Promise<number> {
    return this.#requestRetention(RetentionRequestKind.DELETE_EXPIRED)
  }

  truncateBefore(physicalOffset: number): Promise<number> {
    return this.#requestRetention(RetentionRequestKind.TRUNCATE_BEFORE, physicalOffset)
  }

  async acceptClock(): Promise<void> {
    await this.#requestRetention(RetentionRequestKind.ACCEPT_CLOCK)
  }

  async setTopicRetention(topic: string, { timeMs = 0, bytes = 0 }: TopicRetention): Promise<void> {
    await this.#requestRetention(RetentionRequestKind.SET_TOPIC, 0, topic, timeMs, bytes)
  }

  topicRetentions(): Map<string, { timeMs: number; bytes: number }> {
    this.#mustBeOpen()
    return new Map(this.#addon.topicRetentions(this.#id).map(({ topic, timeMs, bytes }) => [topic, { timeMs, bytes }]))
  }

  onRetentionNotice(listener: (stats: RetentionStats) => void): void {
    this.#mustBeOpen()
    if (this.#retentionListeners.length === 0) this.#retentionState = retentionStateOf(this.retention)
    this.#retentionListeners.push(listener)
  }

  close(): Promise<void> {
    if (!this.#isClosing) {
      this.#progress.stop()
      this.#isClosing = true
      this.#isOpen = false
      this.#addon.close(this.#id)
      this.#reads.fail(storeClosed())
      this.#arrivalWaiters.close()
    }
    return this.#closed.promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw storeClosed()
  }

  #wake(reasons: number, error: StoreError | undefined): void {
    if ((reasons & WakeReason.RECOVERING) !== 0) this.#tellRecovery()
    if ((reasons & WakeReason.OPENED) !== 0) this.#finishOpen(error)
    if ((reasons & WakeReason.CLOSED) !== 0) this.#finishClose(error)
    if (!this.#isOpen) return
    if ((reasons & (WakeReason.PROGRESS | WakeReason.DISPATCHED)) !== 0) this.#progress.settle()
    if ((reasons & WakeReason.READ_AHEAD) !== 0) {
      this.#reads.settle((tickets) => this.#addon.takeReadAhead(this.#id, tickets))
    }
    if ((reasons & WakeReason.ARRIVAL) !== 0) this.#deliverArrivals()
    if ((reasons & WakeReason.RETENTION) !== 0) this.#deliverRetention()
  }

  async #requestRetention(
    kind: RetentionRequestKind,
    physicalOffset = 0,
    topic = '',
    timeMs = 0,
    bytes = 0,
  ): Promise<number> {
    this.#mustBeOpen()
    return this.#retentionResult(this.#addon.requestRetention(this.#id, kind, physicalOffset, topic, timeMs, bytes))
  }

  #retentionResult(ticket: number): Promise<number> {
    if (this.#retentionWaiters.size === 0) this.#setWaiting(WakeReason.RETENTION, true)
    return this.#retentionWaiters.add(ticket)
  }

  #deliverRetention(): void {
    this.#retentionWaiters.settle(this.#addon.takeRetentionResults(this.#id))
    if (this.#retentionWaiters.size === 0) this.#setWaiting(WakeReason.RETENTION, false)
    if (this.#retentionListeners.length === 0) return
    const stats = this.#addon.retention(this.#id)
    const state = retentionStateOf(stats)
    if (state === this.#retentionState) return
    this.#retentionState = state
    for (const listener of this.#retentionListeners) callApart(listener, stats)
  }

  #tellRecovery(): void {
    if (this.#onRecoveryProgress === undefined) return
    const cells = new Float64Array(3)
    this.#addon.recoveryProgress(this.#id, cells)
    const [phase, doneBytes, totalBytes] = cells as unknown as [number, number, number]
    callApart(this.#onRecoveryProgress, { phase: phase === 0 ? 'check' : 'dispatch', doneBytes, totalBytes })
  }

  #finishOpen(error: StoreError | undefined): void {
    if (error !== undefined) {
      this.#opened.reject(error)
      return
    }
    this.#isOpen = true
    this.#progress.start()
    this.#recovery = this.#addon.recovery(this.#id)
    this.#opened.resolve(this)
  }

  #finishClose(error: StoreError | undefined): void {
    this.#failure ??= this.#addon.failure(this.#id)
    this.#progress.finish(this.#failure ?? storeClosed())
    this.#retentionWaiters.rejectAll(storeClosed())
    if (error === undefined) this.#closed.resolve()
    else this.#closed.reject(error)
  }

  #setWaiting(reason: number, isWaiting: boolean): void {
    const waitingFor = isWaiting ? this.#waitingFor | reason : this.#waitingFor & ~reason
    if (waitingFor === this.#waitingFor || !this.#isOpen) return
    this.#waitingFor = waitingFor
    this.#addon.setWaiting(this.#id, waitingFor)
  }

  #deliverArrivals(): void {
    let count = arrivalsPerCall
    while (count === arrivalsPerCall && this.#isOpen && this.#arrivalListeners.length > 0) {
      count = this.#addon.takeArrivals(this.#id, this.#arrivedTopics, this.#arrivedQueueIds)
      for (let index = 0; index < count; index++) {
        const topic = this.#arrivedTopics[index]! as TopicHandle
        const queueId = this.#arrivedQueueIds[index]!
        // By index and without a rest parameter: this runs for every wake-up of a queue.
        for (let at = 0; at < this.#arrivalListeners.length; at++) {
          tellArrival(this.#arrivalListeners[at]!, topic, queueId)
        }
      }
    }
  }
}

const retentionStateOf = ({ refusal, clockDoubt }: RetentionStats): string => `${refusal !== ''} ${clockDoubt !== ''}`

/** What is no path is left for the addon to refuse; an empty one must not become the working directory. */
const absolute = <P extends string | undefined>(path: P): P =>
  (typeof path === 'string' && path !== '' ? resolvePath(path) : path) as P

/** {@link openMessageStore} on a given addon. */
export const openStoreOn = (addon: StoreAddon, options: StoreOptions): Promise<MessageStore> => {
  const opened = promiseWithResolvers<MessageStore>()
  const { rootDir, commitLogDir } = options
  new NativeStore(addon, { ...options, rootDir: absolute(rootDir), commitLogDir: absolute(commitLogDir) }, opened)
  return opened.promise
}

/**
 * Opens or creates a store with the interface of columns and buffers that the broker uses. Recovery runs on a thread of its own.
 *
 * @throws {StoreError} `STORE_LOCKED` (another process has it), `STORE_INVALID_ARGUMENT`, `STORE_CORRUPTION`,
 *   `STORE_NO_SPACE`, `STORE_IO_ERROR`, `STORE_ADDON_MISSING`
 */
export const openMessageStore = async (options: StoreOptions): Promise<MessageStore> =>
  openStoreOn(loadAddon(), options)
