import { type LogStoreOptions, segmentBytesOf, writePathOf } from './log-store-options.ts'
import type { MessageStore, WritePath } from './message-store.ts'
import type { RetentionStats } from './retention.ts'
import type { StoreError } from './store-error.ts'

/** One queue and its bounds. */
export interface QueueStats {
  readonly topic: string
  readonly queueId: number
  /** First queue offset that can still be read. */
  readonly minOffset: number
  /** Queue offset behind the newest message that can be read. */
  readonly endOffset: number
}

/** Where a store stands. Offsets are physical, sizes in bytes. */
export interface StoreStats {
  readonly directory: string
  readonly flush: 'sync' | 'async'
  readonly writePath: Exclude<WritePath, 'auto'>
  /** End of the last record. */
  readonly appendedOffset: number
  /** Everything below is in the log's files: survives the end of the process. With `mapped` the same. */
  readonly committedOffset: number
  /** Everything below is on the device. */
  readonly flushedOffset: number
  /** Everything below can be read through its queue and by key. */
  readonly dispatchedOffset: number
  /** Start of the first log file. */
  readonly minOffset: number
  /** Log bytes that can be read. */
  readonly logBytes: number
  /** Log files, each of `segmentBytes`. */
  readonly logFiles: number
  readonly segmentBytes: number
  /** Store time of the first record, milliseconds since the epoch; undefined for an empty log. */
  readonly earliestStoreTimestampMs: number | undefined
  /** Every queue, by topic and number. */
  readonly queues: readonly QueueStats[]
  /** Leases that have not ended. */
  readonly leases: number
  /** How full the disk is, why appends are refused for want of space, what was deleted. */
  readonly retention: RetentionStats
  /** Why the store can only be read any more. */
  readonly failure: StoreError | undefined
}

/** @param leases how many have not ended */
export const statsOf = (engine: MessageStore, options: LogStoreOptions, leases: number): StoreStats => {
  const { appended, committed, flushed, dispatched } = engine.watermarks
  const segmentBytes = segmentBytesOf(options)
  const minOffset = engine.minPhysicalOffset
  const earliest = engine.earliestStoreTime()
  return {
    directory: options.directory,
    flush: engine.flushMode,
    writePath: writePathOf(options),
    appendedOffset: appended,
    committedOffset: committed,
    flushedOffset: flushed,
    dispatchedOffset: dispatched,
    minOffset,
    logBytes: appended - minOffset,
    logFiles: Math.ceil((appended - minOffset) / segmentBytes),
    segmentBytes,
    earliestStoreTimestampMs: earliest < 0 ? undefined : earliest,
    queues: engine.queues().map(({ topic, queueId }) => {
      const { min, max } = engine.bounds(engine.topic(topic), queueId) ?? { min: 0, max: 0 }
      return { topic, queueId, minOffset: min, endOffset: max }
    }),
    leases,
    retention: engine.retention,
    failure: engine.failure,
  }
}
