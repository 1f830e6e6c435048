import type { AppendBatch } from './append-batch.ts'
import type { FilterBits, StoreFilter } from './filter-bits.ts'
import type { PullResult } from './pull-result.ts'
import type { RetentionOptions, RetentionStats, TopicRetention } from './retention.ts'
import type { StoreError } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'

export type { TopicHandle } from './topic-handle.ts'

/** How appended bytes become durable. */
export interface FlushOptions {
  /** `async`: by interval and amount. `sync`: when asked for through `requestFlush`; all that wait share one sync. */
  readonly mode: 'async' | 'sync'
  /** Async: how often the flush thread looks, in milliseconds. 1 to 3,600,000; default 500. */
  readonly intervalMs?: number | undefined
  /** Async: an interval with fewer dirty 4 KiB pages is skipped. 0 to 1,000,000; default 4. */
  readonly leastPages?: number | undefined
  /** Async: flushes whatever is dirty at least this often, in milliseconds. 1 to 3,600,000; default 10,000. */
  readonly thoroughIntervalMs?: number | undefined
  /**
   * Async with `writePath` `staged` or `pool`: how often staged records are written to the CommitLog files, in
   * milliseconds. 1 to 3,600,000; default 200.
   */
  readonly commitIntervalMs?: number | undefined
  /** The same: an interval with fewer staged 4 KiB pages is skipped. 0 to 1,000,000; default 4. */
  readonly commitLeastPages?: number | undefined
  /** The same: writes whatever is staged at least this often, in milliseconds. 1 to 3,600,000; default 200. */
  readonly commitThoroughIntervalMs?: number | undefined
}

/**
 * How records get into the CommitLog files; the bytes there are the same.
 *
 * - `auto`: `staged` when `flush.mode` is `sync`, else `mapped`.
 * - `mapped`: encoded into the mapped file. What was appended survives the end of the process.
 * - `staged`: encoded in memory; the flush thread writes all that wait at once, then syncs. Under `sync` nothing is
 *   acknowledged before. Under `async` what was not written yet (see `commitIntervalMs`) dies with the process.
 * - `pool`: RocketMQ's transient store pool: as `staged`, and records can be read only after a commit interval. Needs
 *   `async`.
 */
export type WritePath = 'auto' | 'mapped' | 'staged' | 'pool'

/** Where a store lives and how it works. Sizes are in bytes. */
export interface StoreOptions {
  /** Directory of the store, in RocketMQ's layout. Created when absent. */
  readonly rootDir: string
  /** Directory of the CommitLog. Default `rootDir`/commitlog. */
  readonly commitLogDir?: string | undefined
  /** Size of one CommitLog file, 4 KiB to 2 GiB - 1; default 1 GiB. Must be what the directory was written with. */
  readonly segmentBytes?: number | undefined
  /** Size of one ConsumeQueue file, 20 to 2 GiB - 1, rounded up to a multiple of 20; default 6,000,000. */
  readonly consumeQueueFileBytes?: number | undefined
  /** Largest message body, 1 to 2 GiB - 1; default 4 MiB. */
  readonly maxBodyBytes?: number | undefined
  /** Whether messages are indexed by key. Default true. */
  readonly indexEnabled?: boolean | undefined
  /** Hash slots of one index file, 1 to 100,000,000; default 5,000,000. */
  readonly indexSlots?: number | undefined
  /** Entries of one index file, 1 to 100,000,000; default 20,000,000. */
  readonly indexItems?: number | undefined
  /** Whether recovery verifies bodies. Default true. */
  readonly checkCrcOnRecover?: boolean | undefined
  /** Default async with the defaults there. */
  readonly flush?: FlushOptions | undefined
  /** Default `auto`. */
  readonly writePath?: WritePath | undefined
  /**
   * Memory for records on their way to the files (`staged`, `pool`), 64 KiB to 1 GiB, rounded up to a power of two;
   * default 64 MiB. A batch above it is `TOO_LARGE`; while it is full, appends answer `BUSY`.
   */
  readonly stagingBytes?: number | undefined
  /**
   * How long an append that finds it full waits on its thread for room first, 0 to 60,000 milliseconds; default 0. For
   * threads that do nothing else.
   */
  readonly stagingWaitMs?: number | undefined
  /**
   * `staged` and `pool`: the files are written past the page cache (O_DIRECT, under sync O_DSYNC). Needs `segmentBytes` in
   * multiples of 4096 and a file system that has it; else a recovery note says that it is off. Default false.
   */
  readonly directIo?: boolean | undefined
  /** Under `sync`: messages can be read only once they are on the device. Default true. */
  readonly dispatchDurableOnly?: boolean | undefined
  /** A whole CommitLog file is made ready ahead of its use, not only the next 32 MiB. Default false. */
  readonly warmSegments?: boolean | undefined
  /** Up to two deleted CommitLog files are kept in `rootDir`/recycled and used again. Default true. */
  readonly recycleSegments?: boolean | undefined
  /** How often ConsumeQueue files are flushed, 1 to 3,600,000 milliseconds; default 1,000. */
  readonly consumeQueueFlushIntervalMs?: number | undefined
  /** Address and port written into every record as its store host. `address` is an IPv4 or IPv6 literal. */
  readonly storeHost: { readonly address: string; readonly port: number }
  /** When old segments go and when appends are refused. Default: Java's, see there. */
  readonly retention?: RetentionOptions | undefined
  /** Milliseconds per delay level, level 1 first (at most 64). Sets the tag code of SCHEDULE_TOPIC_XXXX entries. */
  readonly delayLevelsMs?: readonly number[] | undefined
  /**
   * Told while the store opens: at both ends of each phase, and about each 64 MiB or half second, unless the event loop
   * is slower. What it throws is an uncaught exception.
   */
  readonly onRecoveryProgress?: ((progress: RecoveryProgress) => void) | undefined
  /** Messages that stand in several queues. Default: none do. */
  readonly multiDispatch?: MultiDispatchOptions | undefined
  /** Whether queue entries have units in extension files. Default: new ones have none; those that are there are read. */
  readonly consumeQueueExt?: ConsumeQueueExtOptions | undefined
}

/**
 * `rootDir`/consumequeue_ext/: each queue entry has the address of a unit there, with tag code, store time and filter
 * bit map, in place of its tag code. Java's format, with `enableConsumeQueueExt`.
 */
export interface ConsumeQueueExtOptions {
  /** Default false. */
  readonly enabled?: boolean | undefined
  /** Size of a new file, 24 bytes to 2^31 - 1; default 48 MiB. A queue that has files goes on with their size. */
  readonly fileBytes?: number | undefined
  /** Most bits of a filter bit map, 0 to 2^31 - 1; default 64. At most 32,747 bytes of them count. */
  readonly bitMapBits?: number | undefined
}

/**
 * How messages that name further queues in their property `INNER_MULTI_DISPATCH` (names with the prefix `%LMQ%`, joined
 * by commas) get a place in each of them. The offsets they get are stored in `INNER_MULTI_QUEUE_OFFSET`. A message with
 * another name is `INVALID_ARGUMENT`.
 */
export interface MultiDispatchOptions {
  /** Default false: the property is like any other. */
  readonly enabled?: boolean | undefined
  /** Whether these queues have the id 0. Default false: the id of the message's own queue. */
  readonly lmqEnabled?: boolean | undefined
  /** A message that would need more queues than this is `TOO_LARGE`. 0 to 2^31 - 1; default 20,000. */
  readonly maxLmqQueues?: number | undefined
}

/** One entry of a queue as it stands in its file. */
export interface QueueEntry {
  /** Where the record starts in the log. */
  readonly physicalOffset: number
  /** Size of the whole record. */
  readonly sizeBytes: number
  /**
   * Java hash code of the tag, 0 without one; of a delayed message its due time. At most -2^31 - 1 when the entry has an
   * address in extension files and its unit there is lost.
   */
  readonly tagsCode: bigint
}

/** Physical offsets up to which the log has come. `appended >= committed >= flushed`, `committed >= dispatched`. */
export interface StoreWatermarks {
  /** End of the last record appended. */
  readonly appended: number
  /** Everything below is in the log's files: lost by the machine's end only. `mapped`: always `appended`. */
  readonly committed: number
  /** Everything below is on the device. */
  readonly flushed: number
  /** Queue entries and index of everything below can be read. */
  readonly dispatched: number
}

/** How far opening has come. */
export interface RecoveryProgress {
  /**
   * `check`: looks for the end of the CommitLog; `totalBytes` is what its files hold at most. `dispatch`: holds it
   * against ConsumeQueues and index, and makes what they lack.
   */
  readonly phase: 'check' | 'dispatch'
  readonly doneBytes: number
  readonly totalBytes: number
}

/** What opening found and did. Offsets are physical. */
export interface RecoveryReport {
  /** Whether the store had been closed in order. */
  readonly wasClean: boolean
  /** Records from here on were checked, bodies included. */
  readonly checkedFromOffset: number
  /** Records from here on were held against queues and index. */
  readonly dispatchedFromOffset: number
  /** Where the log goes on. */
  readonly endOffset: number
  /** Queue entries that were missing. */
  readonly addedQueueEntries: number
  /** Ranges of the CommitLog that are damaged and were passed over; see `rootDir`/quarantine.json. */
  readonly damagedRanges: number
  /** One sentence for each thing ignored, cut or lost. */
  readonly notes: readonly string[]
}

/** Java's limits for pulls of old messages. */
export interface ReadLimits {
  /** A message further than this behind the log's end counts as on disk. 0 to 2^53 - 1. */
  readonly memoryWindowBytes: number
  /** Most messages of a pull from disk, 1 to 2^31 - 1. */
  readonly maxCountOnDisk: number
  /** Most bytes of a pull from disk (but always one message), 1 to 2^32 - 1. */
  readonly maxBytesOnDisk: number
}

/** What a query by key found. */
export interface KeyQueryResult {
  /** Newest first. Candidates by hash: the caller compares keys. */
  readonly physicalOffsets: number[]
  readonly indexLastUpdateTimestampMs: number
  readonly indexLastUpdatePhysicalOffset: number
}

/** Bytes of the CommitLog that are not what was stored there, by physical offset. */
export interface LogDamage {
  readonly fromOffset: number
  /** Exclusive. */
  readonly toOffset: number
  /** For people. */
  readonly reason: string
}

/**
 * One open store. All methods belong to the thread that opened it. Offsets are safe integers; anything else is
 * `STORE_INVALID_ARGUMENT`. After `close()` was called every method ends with `STORE_CLOSED`: it throws, `whenFlushed`
 * rejects, `onFlushed` calls back with it, `append` gives its rows `AppendStatus.CLOSED`.
 *
 * An open store does not keep the process alive; one that opens, closes or has flush waiters does. A store left open
 * at the end of its thread or process is closed then, also by `process.exit()` and an uncaught exception.
 */
export interface MessageStore extends AsyncDisposable {
  /**
   * The handle of a topic. Same name, same handle.
   * @throws {StoreError} `STORE_INVALID_ARGUMENT` when the name is no valid topic name
   */
  topic(name: string): TopicHandle
  /**
   * Appends the batch's rows in order and fills in their results. Does not wait for the device.
   * Never throws for what is wrong with a row or the store: see `batch.status`.
   */
  append(batch: AppendBatch): void
  /** Sync mode: asks for everything below `endOffset` to be made durable. Once per group of appends is enough. */
  requestFlush(endOffset: number): void
  /**
   * Requests a flush and resolves when everything below `endOffset` is durable. Waiters settle in the order they came.
   * Rejects with `STORE_READ_ONLY` after a failed sync, and with `STORE_CLOSED` when the store closed before.
   */
  whenFlushed(endOffset: number): Promise<void>
  /**
   * As {@link whenFlushed} for the hot path: no promise, and no request (call {@link requestFlush} once per group).
   * The callback runs after this call returned, with the error or undefined. `endOffset` must not decrease from call
   * to call: a smaller one waits for those before it.
   */
  onFlushed(endOffset: number, callback: (error: StoreError | undefined) => void): void
  /**
   * Resolves when everything below `endOffset` is in the log's files (`committed`). Asks for nothing: that comes with
   * the interval, with a flush, and for want of room. Rejects as {@link whenFlushed}. `endOffset` must not decrease from
   * call to call.
   */
  whenCommitted(endOffset: number): Promise<void>
  /** A live view; after `close()` the last values. */
  readonly watermarks: StoreWatermarks
  /** Why the store is read-only: `STORE_READ_ONLY` with the first failure as `cause`. Undefined while it can be written. */
  readonly failure: StoreError | undefined
  readonly flushMode: 'async' | 'sync'
  /** Of this opening. */
  readonly recovery: RecoveryReport
  /**
   * Copies up to `maxCount` whole records of a queue into `into`, from `intoStart` on, and fills in `result`.
   *
   * @param fromQueueOffset first message wanted
   * @param tagCodes pass only messages whose tag has one of these Java hash codes; undefined or empty passes all
   * @param maxBytes stop after this many, but give one record when it fits into `into`
   * @param mayWaitForDisk false: stops before a message that is likely on disk only, with `PullStatus.NOT_IN_MEMORY`
   *   when that is the first. Default true
   * @param filter skips entries whose filter bit map lacks its bits. Default none
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_CLOSED`
   */
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
    mayWaitForDisk?: boolean,
    filter?: FilterBits,
  ): void
  /**
   * With `consumeQueueExt`: what filter bit maps of entries are made with, in place of what was given before; initially
   * nothing, and there are none. A message has the bits of each filter that it passes, or that only a whole evaluation
   * can tell of.
   *
   * @param bitNum bits of a bit map, a multiple of 8; `consumeQueueExt.bitMapBits` must be no less
   * @returns where the log ends: all that is appended from there on has bit maps of these filters
   * @throws {StoreError} `STORE_INVALID_ARGUMENT` when a program is damaged or too large: nothing changes;
   *   `STORE_CLOSED`
   */
  setFilters(bitNum: number, filters: readonly StoreFilter[]): number
  /** When a pull counts as one from disk, and how much it gets then. Initially no limits. */
  setReadLimits(limits: ReadLimits): void
  /**
   * Brings what the same {@link pull} would read into memory, on a thread of the store's. Resolves when it is there, or
   * at once with false when too much is waiting already (1,024 reads).
   */
  readAhead(
    topic: TopicHandle,
    queueId: number,
    fromQueueOffset: number,
    maxCount: number,
    tagCodes: Int32Array | undefined,
    maxBytes: number,
  ): Promise<boolean>
  /** The same for {@link readRecord}. */
  readRecordAhead(physicalOffset: number): Promise<boolean>
  /** The same for {@link queryByKey} and the records it finds. */
  queryAhead(topic: string, key: string, maxCount: number, beginMs: number, endMs: number): Promise<boolean>
  /** The same for {@link offsetByTime}. */
  offsetByTimeAhead(topic: TopicHandle, queueId: number, timestampMs: number): Promise<boolean>
  /**
   * The same for {@link storeTimeAt} of several messages of a topic.
   *
   * @param places queue id and queue offset of each, in turn
   */
  storeTimesAhead(topic: TopicHandle, places: Float64Array): Promise<boolean>
  /**
   * The same for {@link readLog}, also beyond the end of a segment; at most 4 MiB. What is not there is no error. The
   * records that begin there are verified: see {@link takeLogDamage}.
   *
   * @param maxBytes 0 to 2^32 - 1
   */
  readLogAhead(fromOffset: number, maxBytes: number): Promise<boolean>
  /**
   * What {@link readLogAhead} has found damaged since the last call, at most 1,000 ranges; they are listed in
   * `rootDir`/quarantine.json as well. Each is told once while the store is open, and none that its opening has told of
   * (`recovery.damagedRanges`).
   */
  takeLogDamage(): LogDamage[]
  /** Asks for one arrival notice when the queue's end exceeds `beyondQueueOffset`, at once when it already does. */
  watch(topic: TopicHandle, queueId: number, beyondQueueOffset: number): void
  /**
   * Says whether somebody waits for new entries now. Then a message that comes after half a millisecond without any is
   * dispatched at once instead of up to half a millisecond later; its append costs the waking of a thread. At first
   * nobody does.
   */
  setHurry(hurry: boolean): void
  /**
   * Resolves when queue entries and index of everything below `endOffset` can be read. Rejects with `STORE_READ_ONLY`
   * when a failure came first, and with `STORE_CLOSED`. `endOffset` must not decrease from call to call.
   */
  whenDispatched(endOffset: number): Promise<void>
  /**
   * Resolves when the queue's end exceeds `beyondQueueOffset`, when `signal` aborts, and when the topic is removed.
   * Rejects with `STORE_CLOSED`. Keeps the process alive. Takes the queue's watch.
   */
  whenArrived(topic: TopicHandle, queueId: number, beyondQueueOffset: number, signal?: AbortSignal): Promise<void>
  /** Called for each watched queue that got new entries, in one coalesced wake-up. Watching is over then. */
  onArrival(listener: (topic: TopicHandle, queueId: number) => void): void
  /** First readable queue offset and the one behind the last; undefined when there is no such queue. */
  bounds(topic: TopicHandle, queueId: number): { min: number; max: number } | undefined
  /**
   * Entries of a queue from `fromQueueOffset` on, at most `count` (0 to 4,096); none when that is outside its bounds.
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_CLOSED`
   */
  queueEntries(topic: TopicHandle, queueId: number, fromQueueOffset: number, count: number): QueueEntry[]
  /**
   * Removes all queues of a topic with their files; resolves when that is durable. Its messages stay in the log until
   * their time is over, but no queue leads to them; the next message appended to the topic, from the call on, has queue
   * offset 0. A topic without queues is no error.
   * @throws {StoreError} `STORE_READ_ONLY`, `STORE_IO_ERROR`, `STORE_NO_SPACE` (both may be tried again; until then
   *   appends to the topic may be refused with the same), `STORE_CLOSED`
   */
  removeTopic(topic: string): Promise<void>
  /**
   * First queue offset stored at or after the time, clamped to the queue's bounds. Waits for the disk unless what the
   * search looks at is in memory: see {@link offsetByTimeAhead}.
   */
  offsetByTime(topic: TopicHandle, queueId: number, timestampMs: number): number
  /** Store time of one message in milliseconds since the epoch, -1 when there is none; see {@link storeTimesAhead}. */
  storeTimeAt(topic: TopicHandle, queueId: number, queueOffset: number): number
  /** Store time of the first record in the log, -1 when the log is empty. */
  earliestStoreTime(): number
  /** A copy of the whole record that starts there; undefined when none does. */
  readRecord(physicalOffset: number): Buffer | undefined
  /**
   * The physical offset in bytes where the log ends for who keeps a copy of it: `flushed` under `sync`, so that a copy
   * never has what this store may still lose, else `committed`. Never goes back; after `close()` the last value.
   */
  readonly replicableEnd: number
  /**
   * Copies bytes of the CommitLog, as they stand in its file, into `into` from `intoStart` on: as many as there are, up
   * to `maxBytes`, the end of `into`, the end of the segment that `fromOffset` lies in, and {@link replicableEnd}. What
   * stands behind a segment's last record (a blank record and zeros) belongs to it. Nothing is checked, so that damage
   * is copied as well. Waits for the disk unless the bytes are in memory: see {@link readLogAhead}.
   *
   * @param fromOffset physical offset of the first byte, not necessarily the start of a record
   * @param maxBytes 0 to 2^32 - 1
   * @returns how many bytes were copied; 0 at `replicableEnd`
   * @throws {StoreError} `STORE_NOT_FOUND` when the log begins behind `fromOffset` (retention deleted what was there),
   *   `STORE_INVALID_ARGUMENT` also when `fromOffset` is beyond `replicableEnd`, `STORE_CLOSED`
   */
  readLog(fromOffset: number, into: Buffer, intoStart: number, maxBytes: number): number
  /**
   * The bytes of the record that starts there, in the log's own memory; undefined when none does. To be read only: what
   * is written to them is written to the log. They stay mapped until {@link detach}, the garbage collector or the end
   * of the thread takes them, also when the store was closed before.
   */
  leaseRecord(physicalOffset: number): ArrayBuffer | undefined
  /** Ends a lease: the ArrayBuffer is detached. May be called more than once, and when the store is closed. */
  detach(bytes: ArrayBuffer): void
  /** Messages indexed under a key and stored between the two times, at most `maxCount`. */
  queryByKey(topic: string, key: string, maxCount: number, beginMs: number, endMs: number): KeyQueryResult
  /** Start of the first log file. */
  readonly minPhysicalOffset: number
  /** Every queue that has files. */
  queues(): { topic: string; queueId: number }[]
  /** A snapshot of disk use and what was deleted. */
  readonly retention: RetentionStats
  /**
   * Changes some of the retention options from now on; absent ones stay.
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_CLOSED`
   */
  setRetention(options: RetentionOptions): void
  /**
   * Deletes every segment over its time now, whatever the hour, at most 200. Resolves with how many went.
   * Rejects with `STORE_READ_ONLY`, `STORE_IO_ERROR`, or `STORE_CLOSED` when the store closed before.
   */
  deleteExpiredNow(): Promise<number>
  /**
   * Deletes every whole segment below the offset, and what queues and index have of it; never the segment being
   * written. Resolves with how many went; one that a reader holds follows by itself. Rejects as
   * {@link deleteExpiredNow}.
   */
  truncateBefore(physicalOffset: number): Promise<number>
  /** Says that the wall clock is right although it is ahead of what has verifiably passed (`retention.clockDoubt`). */
  acceptClock(): Promise<void>
  /**
   * Keeps one topic's messages for a shorter time or with fewer bytes than the log, from now on and after a restart;
   * without limits as long as the log again. Messages over the limit can no longer be pulled, and are still found by
   * key and physical offset until their segment goes. At most 10,000 topics.
   *
   * Rejects with `STORE_INVALID_ARGUMENT`, `STORE_TOO_LARGE` (too many topics), or as {@link deleteExpiredNow}.
   */
  setTopicRetention(topic: string, retention: TopicRetention): Promise<void>
  /** Topics that {@link setTopicRetention} limits. */
  topicRetentions(): Map<string, { timeMs: number; bytes: number }>
  /**
   * Called when appends are refused from now on or no longer, or the clock is doubted or no longer. What is over again
   * before the event loop comes to it is not told.
   */
  onRetentionNotice(listener: (stats: RetentionStats) => void): void
  /**
   * Drains, flushes and closes. Every call gives the same promise. Rejects when the last flush failed; the store is
   * closed and its directory free either way.
   */
  close(): Promise<void>
}
