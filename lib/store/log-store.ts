import { type Clock, systemClock } from '../base/clock.ts'
import { isValidTopic } from '../protocol/names.ts'
import type { AppendBatch } from './append-batch.ts'
import { AppendQueue, storeBusy } from './append-queue.ts'
import { Appended, type Durability, type Position } from './appended.ts'
import { type Lease, Leases } from './leases.ts'
import { copyOfMessage, decodeMessage, type LogMessage, type NewMessage } from './log-message.ts'
import {
  checkInteger,
  endToSeeOf,
  engineOptions,
  invalid,
  type LogStoreOptions,
  segmentBytesOf,
  writePathOf,
} from './log-store-options.ts'
import { type StoreStats, statsOf } from './log-store-stats.ts'
import { fileStoredBefore, type Truncation, type TruncationPoint, truncateLog } from './log-truncation.ts'
import { MessageRows } from './message-rows.ts'
import type { MessageStore, RecoveryReport } from './message-store.ts'
import { openMessageStore } from './native-store.ts'
import { QueueReader, type QueueSelection, type ReadResult } from './queue-reader.ts'
import type { TopicRetention } from './retention.ts'
import { AppendStatus } from './status.ts'
import { StoreError, type StoreErrorCode, storeClosed } from './store-error.ts'

const defaultMaxBodyBytes = 4 << 20
const maxInt32 = 0x7fffffff
const maxReadCount = 65_536
const maxReadBytes = 64 << 20
const defaultReadBytes = 262_144
const maxKeyResults = 65_536
const maxRoomTimeoutMs = 3_600_000

/** Which queue, and which of its messages. */
export interface QueueOptions {
  /** Default: the store's `topic`. */
  readonly topic?: string | undefined
  /** Default: the store's `queueId`. */
  readonly queueId?: number | undefined
}

/** As {@link QueueOptions}, for what reads messages. */
export interface MessageOptions extends QueueOptions {
  /** Only messages with one of these tags. Default: all. */
  readonly tags?: string | readonly string[] | undefined
  /** Log bytes read at a time, 1 to 67,108,864; default 262,144. A larger message is still read, alone. */
  readonly maxBytes?: number | undefined
}

/** What {@link LogStore.read} takes. */
export interface ReadOptions extends MessageOptions {
  /** Queue offset of the first message wanted. Below the queue's first: that one. Default 0. */
  readonly from?: number | undefined
  /** 1 to 65,536; default 32. */
  readonly maxCount?: number | undefined
}

/** What {@link LogStore.scan} takes. */
export interface ScanOptions extends MessageOptions {
  /** Queue offset of the first message wanted. Default: the queue's first. */
  readonly from?: number | undefined
  /** Queue offset to stop before. Default, and at most: the queue's end when the scan starts. */
  readonly to?: number | undefined
}

/** What {@link LogStore.tail} takes. */
export interface TailOptions extends MessageOptions {
  /** Queue offset of the first message wanted. Default: only what is appended after the call. */
  readonly from?: number | undefined
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
}

/** What {@link LogStore.queryByKey} takes. */
export interface KeyQueryOptions {
  /** Default: the store's `topic`. */
  readonly topic?: string | undefined
  /** Stored at or after, milliseconds since the epoch. Default 0. */
  readonly from?: number | undefined
  /** Stored at or before, milliseconds since the epoch. Default: no end. */
  readonly to?: number | undefined
  /** 1 to 65,536; default 32. */
  readonly max?: number | undefined
}

/** What {@link LogStore.append} takes beside the messages. */
export interface AppendOptions {
  /**
   * `'appended'`: in the log; survives the end of the process. `'flushed'`: on the device; survives the loss of power.
   * Default: what the store's flush mode promises, `'flushed'` for sync and `'appended'` for async.
   */
  readonly durability?: Durability | undefined
  /**
   * How long {@link LogStore.append} waits for room in memory (`staged`, `pool`), 0 to 3,600,000 milliseconds; then it
   * ends with `STORE_BUSY`. Default: until there is room, or the store closes.
   */
  readonly roomTimeoutMs?: number | undefined
}

const statusNames = Object.keys(AppendStatus)

/**
 * A durable, append-only log of messages in topics and queues, on the engine of the broker. Made by {@link openStore}.
 *
 * All methods belong to the thread that opened it. After `close()` every method ends with `STORE_CLOSED`; a `tail` just
 * ends. An open store does not keep the process alive; one with a tail, a read or an append that waits does. One that is
 * left open at the end of its thread or process is closed then. Times are milliseconds since the epoch.
 */
export class LogStore implements AsyncDisposable {
  /** The same store as the broker sees it: columns of numbers and buffers, nothing allocated per message. */
  readonly engine: MessageStore
  readonly #options: LogStoreOptions
  readonly #topic: string
  readonly #queueId: number
  readonly #clock: Clock
  readonly #rows: MessageRows
  readonly #reader: QueueReader
  readonly #leases: Leases
  readonly #waiting: AppendQueue
  #isClosing = false

  /** @internal */
  constructor(engine: MessageStore, options: LogStoreOptions, clock: Clock) {
    this.engine = engine
    this.#options = options
    this.#clock = clock
    this.#topic = options.topic ?? 'log'
    this.#queueId = options.queueId ?? 0
    const defaults = {
      topic: this.#topic,
      queueId: this.#queueId,
      maxBodyBytes: options.maxBodyBytes ?? defaultMaxBodyBytes,
      maxTotalBytes: segmentBytesOf(options),
    }
    this.#rows = new MessageRows(defaults, clock, (topic) => engine.topic(topic))
    const endToSee = endToSeeOf(options)
    this.#reader = new QueueReader(engine, () => endToSee(engine.watermarks))
    this.#leases = new Leases(engine)
    this.#waiting = new AppendQueue(engine, clock)
  }

  /** What opening found and did. */
  get recovery(): RecoveryReport {
    return this.engine.recovery
  }

  /** Why the store can only be read any more: `STORE_READ_ONLY` with the first failure as `cause`. */
  get failure(): StoreError | undefined {
    return this.engine.failure
  }

  /**
   * Appends and resolves when the messages are as durable as `durability` says. Several are appended together, one
   * behind the other in one log file: all or none of them. Appends stand in the log in the order of the calls.
   *
   * Where the memory for what is on its way to the device is full (`staged`, `pool`), waits for room first, without
   * blocking the thread; the messages are copied. Who does not await appends needs memory for all that wait.
   *
   * @throws {StoreError} nothing was appended: `STORE_INVALID_ARGUMENT`, `STORE_TOO_LARGE`, `STORE_NO_SPACE`,
   *   `STORE_IO_ERROR`, `STORE_BUSY` (after `roomTimeoutMs`), `STORE_CLOSED`, and `STORE_READ_ONLY`. The last two can
   *   also come from the wait for the device: the messages are in the log then, and whether they survive is not known.
   */
  append(message: NewMessage, options?: AppendOptions): Promise<Position>
  append(messages: readonly NewMessage[], options?: AppendOptions): Promise<Appended>
  async append(messages: NewMessage | readonly NewMessage[], options?: AppendOptions): Promise<Position | Appended> {
    const isOne = !Array.isArray(messages)
    const list = isOne ? [messages as NewMessage] : (messages as readonly NewMessage[])
    const appended = this.#tryAppend(list, options) ?? (await this.#appendLater(list, options))
    await appended.durable
    return isOne ? appended.at(0)! : appended
  }

  /**
   * As {@link append}, but gives the positions at once; `durable` of the result is the promise. For loops that append
   * much and wait rarely: one wait for the last covers all before it.
   *
   * @throws {StoreError} as `append`; nothing was appended. `STORE_BUSY` at once, also while others wait for room
   */
  appendNow(messages: readonly NewMessage[], options?: AppendOptions): Appended {
    const appended = this.#tryAppend(messages, options)
    if (appended === undefined) throw storeBusy()
    return appended
  }

  /**
   * Reads up to `maxCount` messages of a queue. Everything that was appended before the call is seen (with sync flush:
   * that was flushed; with `pool`: that was committed).
   *
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_CLOSED`, `STORE_CORRUPTION`
   */
  async read(options: ReadOptions = {}): Promise<ReadResult> {
    const { from = 0, maxCount = 32 } = options
    checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER)
    checkInteger('maxCount', maxCount, 1, maxReadCount)
    return this.#reader.read(this.#queue(options), from, maxCount, bytesOf(options))
  }

  /**
   * The messages of a queue up to the end it has when the iteration starts. Throws `STORE_CLOSED` when the store closes
   * in between.
   *
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_CLOSED`, `STORE_CORRUPTION`
   */
  scan(options: ScanOptions = {}): AsyncGenerator<LogMessage, void, undefined> {
    const from = optionalOffset('from', options.from)
    const to = optionalOffset('to', options.to)
    return this.#reader.scan(this.#queue(options), from, to, bytesOf(options))
  }

  /**
   * Follows a queue: its messages as they come, without an end. Ends quietly when `signal` aborts and when the store
   * closes. Where messages were deleted before they were read, it goes on at the first one left.
   *
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_CLOSED`, `STORE_CORRUPTION`
   */
  tail(options: TailOptions = {}): AsyncGenerator<LogMessage, void, undefined> {
    const from = optionalOffset('from', options.from)
    return this.#reader.tail(this.#queue(options), from, options.signal, bytesOf(options))
  }

  /** The message whose record starts there; undefined when none does. */
  async get(physicalOffset: number): Promise<LogMessage | undefined> {
    await this.engine.readRecordAhead(physicalOffset)
    const record = this.engine.readRecord(physicalOffset)
    return record === undefined ? undefined : decodeMessage(record, 0, record.length, false)
  }

  /**
   * The record that starts there in the log's own memory, without a copy; undefined when none does. See {@link Lease}.
   * Bytes that are on disk only are read on the caller's thread, when they are looked at.
   */
  lease(physicalOffset: number): Lease | undefined {
    return this.#leases.open(physicalOffset)
  }

  /** Messages of a topic that have this key, newest first. Empty when the store was opened without an index. */
  async queryByKey(key: string, options: KeyQueryOptions = {}): Promise<LogMessage[]> {
    if (typeof key !== 'string' || key === '') throw invalid('key is no text')
    const { from = 0, to = Number.MAX_SAFE_INTEGER, max = 32 } = options
    const topic = this.#topicOf(options.topic)
    checkInteger('max', max, 1, maxKeyResults)
    await this.#reader.settle()
    for (let asked = Math.min(max * 2, maxKeyResults); ; asked = Math.min(asked * 2, maxKeyResults)) {
      await this.engine.queryAhead(topic, key, asked, from, to)
      const { physicalOffsets } = this.engine.queryByKey(topic, key, asked, from, to)
      const found = this.#withKey(physicalOffsets, topic, key, max)
      if (found.length === max || physicalOffsets.length < asked || asked === maxKeyResults) return found
    }
  }

  /** Queue offset of the first message stored at or after the time; the queue's end when all are older. */
  async offsetAt(timestampMs: number, options: QueueOptions = {}): Promise<number> {
    checkInteger('timestampMs', timestampMs, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    return this.#reader.offsetAt(this.#queue(options), timestampMs)
  }

  /** Resolves when everything appended before the call is on the device. Rejects with `STORE_READ_ONLY`. */
  async flush(): Promise<void> {
    return this.engine.whenFlushed(this.engine.watermarks.appended)
  }

  /**
   * Deletes log files from the oldest on: every whole one below the physical offset, or every one whose messages were
   * all stored before the time (by the first message behind it). Never the file being written. Queues and index go with
   * them. Resolves when they are gone; paced, see `retention.deleteSegmentIntervalMs`. A leased file stays until the
   * lease ends, at the longest `retention.destroyPinnedAfterMs`, and those behind it with it.
   *
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_READ_ONLY`, `STORE_IO_ERROR`, `STORE_CLOSED`
   */
  async truncateBefore(point: TruncationPoint): Promise<Truncation> {
    const segmentBytes = segmentBytesOf(this.#options)
    if (typeof point === 'object' && point !== null) {
      const { timestampMs } = point
      checkInteger('timestampMs', timestampMs, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
      return truncateLog(this.engine, segmentBytes, await fileStoredBefore(this.engine, segmentBytes, timestampMs))
    }
    checkInteger('physicalOffset', point, 0, Number.MAX_SAFE_INTEGER)
    return truncateLog(this.engine, segmentBytes, point)
  }

  /**
   * Removes all queues of a topic, durably. Its messages stay in the log until their files go, found by physical offset
   * and key; no queue leads to them. What is appended to the topic afterwards begins at queue offset 0, and tails go on
   * there; of messages appended before this has resolved, tails may give some twice. A topic without messages is no
   * error.
   *
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_READ_ONLY`, `STORE_IO_ERROR` (may be tried again),
   *   `STORE_CLOSED`
   */
  async deleteTopic(topic: string): Promise<void> {
    const handle = this.engine.topic(this.#topicOf(topic))
    await this.engine.removeTopic(topic)
    this.#reader.topicRemoved(handle)
  }

  /**
   * Keeps one topic's messages for a shorter time or with fewer bytes than the log, from now on and after the next
   * opening; without limits as long as the log again. What is over the limit is out of its queue's bounds; the log files
   * go by `retention` and `truncateBefore` only. At most 10,000 topics.
   *
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_TOO_LARGE` (too many topics), `STORE_READ_ONLY`,
   *   `STORE_IO_ERROR`, `STORE_CLOSED`
   */
  async setTopicRetention(topic: string, { timeMs = 0, bytes = 0 }: TopicRetention): Promise<void> {
    checkInteger('timeMs', timeMs, 0, Number.MAX_SAFE_INTEGER)
    checkInteger('bytes', bytes, 0, Number.MAX_SAFE_INTEGER)
    return this.engine.setTopicRetention(this.#topicOf(topic), { timeMs, bytes })
  }

  /** The topics that {@link setTopicRetention} limits; 0: no such limit. */
  topicRetentions(): Map<string, { timeMs: number; bytes: number }> {
    return this.engine.topicRetentions()
  }

  /** @throws {StoreError} `STORE_CLOSED` */
  stats(): StoreStats {
    return statsOf(this.engine, this.#options, this.#leases.size)
  }

  /**
   * Drains, flushes and closes; ends all leases at once. Every call gives the same promise. Rejects when the last flush
   * failed; the store is closed and its directory free either way.
   */
  close(): Promise<void> {
    this.#isClosing = true
    this.#waiting.rejectAll(storeClosed())
    this.#leases.close()
    return this.engine.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #durabilityOf(options: AppendOptions | undefined): Durability {
    const durability = options?.durability
    if (durability === undefined) return this.engine.flushMode === 'sync' ? 'flushed' : 'appended'
    if (durability === 'appended' || durability === 'flushed') return durability
    throw invalid(`durability is not 'appended' or 'flushed': ${String(durability)}`)
  }

  /** Undefined when there is no room, or somebody waits for it already. */
  #tryAppend(messages: readonly NewMessage[], options: AppendOptions | undefined): Appended | undefined {
    const waits = this.#durabilityOf(options) === 'flushed'
    if (this.#isClosing) throw storeClosed()
    const batch = this.#rows.fill(messages)
    const appended = this.#waiting.size === 0 || messages.length === 0 ? this.#appendRows(batch, waits) : undefined
    this.#rows.shrink()
    return appended
  }

  #appendRows(batch: AppendBatch, waits: boolean): Appended | undefined {
    if (batch.count > 0) this.engine.append(batch)
    const status = batch.count === 0 ? AppendStatus.OK : batch.status(0)
    if (status === AppendStatus.BUSY) return undefined
    if (status !== AppendStatus.OK) throw this.#appendError(status)
    return new Appended(batch, (end) => (waits ? this.engine.whenFlushed(end) : Promise.resolve()))
  }

  /** The messages are valid: they were tried before. */
  #appendLater(messages: readonly NewMessage[], options: AppendOptions | undefined): Promise<Appended> {
    const timeoutMs = options?.roomTimeoutMs
    if (timeoutMs !== undefined) checkInteger('roomTimeoutMs', timeoutMs, 0, maxRoomTimeoutMs)
    if (timeoutMs === 0) throw storeBusy()
    const now = this.#clock.nowMs()
    const copies = messages.map((message) => copyOfMessage(message, now))
    const waits = this.#durabilityOf(options) === 'flushed'
    const attempt = (): Appended | undefined => {
      const appended = this.#appendRows(this.#rows.fill(copies), waits)
      this.#rows.shrink()
      return appended
    }
    return this.#waiting.wait(attempt, timeoutMs)
  }

  #appendError(status: AppendStatus): StoreError {
    if (status === AppendStatus.READ_ONLY && this.failure !== undefined) return this.failure
    if (status === AppendStatus.CLOSED) return storeClosed()
    return new StoreError(`STORE_${statusNames[status]}` as StoreErrorCode, appendFailure(status, this.#options))
  }

  #topicOf(topic: string | undefined): string {
    if (topic === undefined) return this.#topic
    if (typeof topic === 'string' && isValidTopic(topic)) return topic
    throw invalid(`topic is no topic name: ${String(topic)}`)
  }

  #queue({ topic, queueId, tags }: MessageOptions): QueueSelection {
    const list = typeof tags === 'string' ? [tags] : tags
    if (list !== undefined && (list.length === 0 || list.some((tag) => typeof tag !== 'string' || tag === ''))) {
      throw invalid('tags is no text and no list of texts')
    }
    return {
      topic: this.engine.topic(this.#topicOf(topic)),
      queueId: queueId === undefined ? this.#queueId : checkInteger('queueId', queueId, 0, maxInt32),
      tags: list,
    }
  }

  #withKey(physicalOffsets: readonly number[], topic: string, key: string, max: number): LogMessage[] {
    const found: LogMessage[] = []
    for (const physicalOffset of physicalOffsets) {
      if (found.length === max) break
      const record = this.engine.readRecord(physicalOffset)
      if (record === undefined) continue
      const message = decodeMessage(record, 0, record.length, false)
      // The index knows topic and key by hash only.
      if (message.topic === topic && message.keys.includes(key)) found.push(message)
    }
    return found
  }
}

const appendFailure = (status: AppendStatus, options: LogStoreOptions): string => {
  if (status === AppendStatus.NO_SPACE) return 'the device is full: nothing was appended'
  if (status !== AppendStatus.TOO_LARGE) return `nothing was appended: ${statusNames[status]}`
  const limit = `the messages of one append are over a log file of ${segmentBytesOf(options)} bytes`
  return writePathOf(options) === 'mapped' ? limit : `${limit}, or over the memory of stagingBytes`
}

const optionalOffset = (name: string, value: number | undefined): number | undefined =>
  value === undefined ? undefined : checkInteger(name, value, 0, Number.MAX_SAFE_INTEGER)

const bytesOf = ({ maxBytes = defaultReadBytes }: MessageOptions): number =>
  checkInteger('maxBytes', maxBytes, 1, maxReadBytes)

/** As {@link openStore}, with a clock of the caller's. @internal */
export const openStoreWith = async (options: LogStoreOptions, clock: Clock): Promise<LogStore> => {
  const forEngine = engineOptions(options)
  const { topic, queueId } = options
  if (topic !== undefined && !(typeof topic === 'string' && isValidTopic(topic))) {
    throw invalid(`topic is no topic name: ${String(topic)}`)
  }
  if (queueId !== undefined) checkInteger('queueId', queueId, 0, maxInt32)
  return new LogStore(await openMessageStore(forEngine), { ...options }, clock)
}

/**
 * Opens or creates a store. Recovery runs on a thread of its own.
 *
 * @throws {StoreError} `STORE_INVALID_ARGUMENT` (names the option), `STORE_LOCKED` (the directory is open already, in
 *   this process or another), `STORE_CORRUPTION`, `STORE_NO_SPACE`, `STORE_IO_ERROR`, `STORE_ADDON_MISSING`
 */
export const openStore = (options: LogStoreOptions): Promise<LogStore> => openStoreWith(options, systemClock)
