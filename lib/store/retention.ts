import type { StoreError } from './store-error.ts'

/**
 * When log segments are deleted, and when appends are refused for want of space. All can be changed while the store is
 * open ({@link MessageStore.setRetention}). Percentages are of the fuller of the two file systems that hold the log and
 * the root, as `df` shows it; 100 means never.
 */
export interface RetentionOptions {
  /** A segment whose newest message is older may be deleted, in milliseconds, from 1. Default 72 hours. */
  readonly reservedMs?: number | undefined
  /** Local hours of the day, 0 to 23, during which such segments are deleted. Default `[4]`; `[]`: at no hour. */
  readonly deleteHours?: readonly number[] | undefined
  /** Disk use above which they are deleted at any hour, 1 to 100. Default 75. */
  readonly cleanPercent?: number | undefined
  /** Disk use above which segments are deleted whatever their age, oldest first, 1 to 100. Default 85. */
  readonly forcedPercent?: number | undefined
  /** Whether that is done at all. Default true. */
  readonly cleanForcibly?: boolean | undefined
  /** Disk use above which appends are refused (`NO_SPACE`) until it is lower again, 1 to 100. Default 90. */
  readonly refusePercent?: number | undefined
  /** Appends are refused with fewer bytes free as well. Default 0: no such limit. */
  readonly minFreeBytes?: number | undefined
  /** Milliseconds between two rounds of cleaning, 1 to 3,600,000. Default 10,000. */
  readonly cleanIntervalMs?: number | undefined
  /** Milliseconds between two looks at the file systems, 1 to 3,600,000. Default 1,000. */
  readonly spaceIntervalMs?: number | undefined
  /** Pause after a deleted segment, 0 to 3,600,000 milliseconds. Default 100. */
  readonly deleteSegmentIntervalMs?: number | undefined
  /** Pause after a queue of which files were deleted, 0 to 3,600,000 milliseconds. Default 100. */
  readonly deleteQueueFilesIntervalMs?: number | undefined
  /** A segment that a reader holds is deleted all the same after so many milliseconds, 0 to 3,600,000. Default 120,000. */
  readonly destroyPinnedAfterMs?: number | undefined
}

/** How long the messages of one topic can be consumed; at most as long as the log has them. 0 or absent: no limit. */
export interface TopicRetention {
  /** Age in milliseconds. */
  readonly timeMs?: number | undefined
  /** Bytes of the topic's records in all its queues together. */
  readonly bytes?: number | undefined
}

/** How full the disk is and what retention did. Texts are empty where there is nothing to say. */
export interface RetentionStats {
  /** Since the store was opened. */
  readonly deletedSegments: number
  readonly deletedBytes: number
  /** Wall clock, milliseconds since the epoch; 0 when nothing was deleted yet. */
  readonly lastDeleteMs: number
  /** Use of the log's file system, 0 to 1; -1 when it could not be asked. */
  readonly logUsedRatio: number
  /** The same of the root's. */
  readonly rootUsedRatio: number
  /** Of the two file systems the smaller. */
  readonly freeBytes: number
  /** Why appends are refused with `NO_SPACE`, for example `disk 91 % used, limit 90 % (/data/commitlog)`. */
  readonly refusal: string
  /** The time that ages are taken against: a clock that jumps ahead moves it only when it stays there. */
  readonly verifiedTimeMs: number
  /** By how much the wall clock is ahead of that and not believed; 0 while it is. */
  readonly clockAheadMs: number
  /** A sentence about it. */
  readonly clockDoubt: string
  /** What kept the last round of cleaning from its work. */
  readonly problem: string
}

/** In the order of the engine's kinds. */
export const RetentionRequestKind = { DELETE_EXPIRED: 0, TRUNCATE_BEFORE: 1, ACCEPT_CLOCK: 2, SET_TOPIC: 3 } as const
export type RetentionRequestKind = (typeof RetentionRequestKind)[keyof typeof RetentionRequestKind]

/** What became of one request. */
export interface RetentionResult {
  readonly ticket: number
  readonly deletedSegments: number
  readonly error?: StoreError
}

interface Waiter {
  readonly resolve: (deletedSegments: number) => void
  readonly reject: (error: StoreError) => void
}

/** Who waits for which request. */
export class RetentionWaiters {
  readonly #waiters = new Map<number, Waiter>()

  get size(): number {
    return this.#waiters.size
  }

  add(ticket: number): Promise<number> {
    return new Promise((resolve, reject) => this.#waiters.set(ticket, { resolve, reject }))
  }

  settle(results: readonly RetentionResult[]): void {
    for (const { ticket, deletedSegments, error } of results) {
      const waiter = this.#waiters.get(ticket)
      this.#waiters.delete(ticket)
      if (error === undefined) waiter?.resolve(deletedSegments)
      else waiter?.reject(error)
    }
  }

  rejectAll(error: StoreError): void {
    for (const waiter of this.#waiters.values()) waiter.reject(error)
    this.#waiters.clear()
  }
}
