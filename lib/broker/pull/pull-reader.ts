import type { Clock } from '../../base/clock.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { PullResult } from '../../store/pull-result.ts'
import { PullStatus } from '../../store/status.ts'
import type { RecordFilter } from './pull-filter.ts'
import type { PullPlan } from './pull-plan.ts'

/** How much an answer may carry. */
export interface PullBounds {
  readonly maxCount: number
  readonly maxBytes: number
}

/** Queue entries that one pull with a filter looks at: Java's 16,000 bytes of them. */
export const MAX_FILTERED_ENTRIES = 800
/** A read ends after this long in its filter: who sends filters and messages can make them costly to evaluate. */
export const MAX_FILTERING_MS = 50
/** Records that are copied and looked at together. */
const CHUNK_COUNT = 64
const FIRST_SCRATCH_BYTES = 512 * 1024

/** Whether a read may wait for the disk: not at all, for the records it starts at, or for all it looks at. */
export type DiskWait = 'never' | 'at-start' | 'always'

type ReadableStore = Pick<MessageStore, 'pull'>

/** Where a read with a filter stands. */
interface Progress {
  /** Time that the filter took. */
  filteringMs: number
  /** Queue offset to look at next. */
  at: number
  /** Records that passed, and their bytes: they stand at the front of the memory. */
  count: number
  sizeBytes: number
}

/** Reads what pulls ask for into one memory that it keeps; the outcome holds until the next read. */
export class PullReader {
  /** Of the last read. */
  readonly result = new PullResult()
  readonly #store: ReadableStore
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH_BYTES)
  /** Of the records read last; the next are often as long. */
  #records: Buffer = this.#scratch.subarray(0, 0)

  constructor(store: ReadableStore, clock: Pick<Clock, 'monotonicMs'>) {
    this.#store = store
    this.#clock = clock
  }

  /** The records that the last read found, one behind the other. */
  get records(): Buffer {
    const { sizeBytes } = this.result
    if (this.#records.length !== sizeBytes) this.#records = this.#scratch.subarray(0, sizeBytes)
    return this.#records
  }

  /**
   * Reads from `queueOffset` on. A read with a record filter that may not wait ends with `NOT_IN_MEMORY` where nothing
   * passed up to a record on disk: `nextBeginOffset` is that record's, to go on from.
   */
  read(plan: PullPlan, queueOffset: number, bounds: PullBounds, wait: DiskWait): void {
    const { accepts } = plan.filter
    const { maxCount, maxBytes } = bounds
    if (accepts === undefined) this.#pull(plan, queueOffset, maxCount, maxBytes, 0, wait !== 'never')
    else this.#readFiltered(plan, accepts, queueOffset, bounds, wait)
  }

  #readFiltered(plan: PullPlan, accepts: RecordFilter, from: number, bounds: PullBounds, wait: DiskWait): void {
    const { result } = this
    const limit = from + Math.max(MAX_FILTERED_ENTRIES, bounds.maxCount)
    const progress: Progress = { filteringMs: 0, at: from, count: 0, sizeBytes: 0 }
    for (let mayWait = wait !== 'never'; progress.at < limit; mayWait = wait === 'always') {
      const { bits } = plan.filter
      // Most of what the bits leave passes.
      const wanted = bits === undefined ? CHUNK_COUNT : Math.min(CHUNK_COUNT, bounds.maxCount - progress.count)
      const count = Math.min(wanted, limit - progress.at)
      if (bits !== undefined) bits.maxEntries = limit - progress.at
      this.#pull(plan, progress.at, count, bounds.maxBytes, progress.sizeBytes, mayWait)
      const { status, nextBeginOffset } = result
      const looked = nextBeginOffset > progress.at
      if (status === PullStatus.NO_MATCHED_MESSAGE || status === PullStatus.NOT_IN_MEMORY) progress.at = nextBeginOffset
      // The store ends a look where a queue file ends.
      if (status === PullStatus.NO_MATCHED_MESSAGE && looked && bits !== undefined) continue
      if (status !== PullStatus.FOUND || result.count === 0) break
      const countLeft = bounds.maxCount - progress.count
      const bytesLeft = bounds.maxBytes - progress.sizeBytes
      const mayOverflow = result.count > countLeft || result.sizeBytes > bytesLeft
      // Which entry a record is of is not known: no more of them than the answer has room for.
      if (mayOverflow && !this.#isDense(progress)) {
        this.#pull(plan, progress.at, countLeft, bytesLeft, progress.sizeBytes, mayWait)
      }
      const goesOn = this.#keepAccepted(accepts, progress, bounds)
      if (!goesOn || progress.count >= bounds.maxCount || progress.sizeBytes >= bounds.maxBytes) break
    }
    this.#finish(progress, from)
  }

  /** Every entry looked at has its record. */
  #isDense({ at }: Progress): boolean {
    return this.result.nextBeginOffset - at === this.result.count
  }

  /** Moves what passes together. False when the answer was full, or the time over, before the chunk's end. */
  #keepAccepted(accepts: RecordFilter, progress: Progress, { maxCount, maxBytes }: PullBounds): boolean {
    const { result } = this
    const records = this.#scratch
    const { nextBeginOffset, count } = result
    const dense = this.#isDense(progress)
    const startsAtMs = this.#clock.monotonicMs() - progress.filteringMs
    for (let at = progress.sizeBytes, seen = 0; seen < count; seen++) {
      const size = records.readInt32BE(at)
      const full = progress.count >= maxCount || (progress.count > 0 && progress.sizeBytes + size > maxBytes)
      const late = dense && progress.filteringMs >= MAX_FILTERING_MS
      if (full || late) {
        progress.at += dense ? seen : 0
        return false
      }
      if (accepts(records, at)) {
        records.copyWithin(progress.sizeBytes, at, at + size)
        progress.count += 1
        progress.sizeBytes += size
      }
      at += size
      progress.filteringMs = this.#clock.monotonicMs() - startsAtMs
    }
    progress.at = nextBeginOffset
    return progress.filteringMs < MAX_FILTERING_MS
  }

  /** The read has come to a limit, to the queue's end or to what cannot be read now. */
  #finish(progress: Progress, from: number): void {
    const { result } = this
    if (progress.count > 0) result.replace(PullStatus.FOUND, progress.at, progress.count, progress.sizeBytes)
    else if (result.status === PullStatus.NOT_IN_MEMORY) result.replace(PullStatus.NOT_IN_MEMORY, progress.at, 0, 0)
    else if (progress.at > from) result.replace(PullStatus.NO_MATCHED_MESSAGE, progress.at, 0, 0)
  }

  /** Pulls behind the first `start` bytes; a record that does not fit at the front makes the memory grow. */
  #pull(
    { topicHandle, queueId, filter }: PullPlan,
    queueOffset: number,
    maxCount: number,
    maxBytes: number,
    start: number,
    mayWaitForDisk: boolean,
  ): void {
    const { result } = this
    for (;;) {
      this.#store.pull(
        topicHandle,
        queueId,
        queueOffset,
        maxCount,
        filter.tagCodes,
        maxBytes,
        this.#scratch,
        start,
        result,
        mayWaitForDisk,
        filter.bits,
      )
      if (start > 0 || result.neededBytes <= this.#scratch.length) return
      this.#scratch = Buffer.allocUnsafeSlow(result.neededBytes)
      this.#records = this.#scratch.subarray(0, 0)
    }
  }
}
