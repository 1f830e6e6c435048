import { decodeMessage } from './log-message.ts'
import type { MessageStore } from './message-store.ts'

/** Up to where a log is to be truncated: a physical offset, or the time that all messages from are to be kept. */
export type TruncationPoint = number | { readonly timestampMs: number }

/** What a truncation did. */
export interface Truncation {
  readonly deletedFiles: number
  readonly deletedBytes: number
  /** Start of the first log file that is left. */
  readonly minOffset: number
  /** Whole log files below the point that are still there: one is leased. They go by themselves when that has ended. */
  readonly remainingFiles: number
}

type Engine = Pick<
  MessageStore,
  'truncateBefore' | 'minPhysicalOffset' | 'watermarks' | 'readRecord' | 'readRecordAhead'
>

/** Start of the newest log file that has only older ones before it, by the store time of its first message. */
export const fileStoredBefore = async (engine: Engine, segmentBytes: number, timestampMs: number): Promise<number> => {
  let found = engine.minPhysicalOffset
  for (let start = found + segmentBytes; start < engine.watermarks.appended; start += segmentBytes) {
    await engine.readRecordAhead(start)
    const record = engine.readRecord(start)
    // Damaged, or not readable yet: the next one tells.
    if (record === undefined) continue
    if (decodeMessage(record, 0, record.length, false).storeTimestampMs >= timestampMs) break
    found = start
  }
  return found
}

/** Deletes every whole log file below the offset but the one being written. */
export const truncateLog = async (engine: Engine, segmentBytes: number, offset: number): Promise<Truncation> => {
  const deletedFiles = await engine.truncateBefore(offset)
  const { appended } = engine.watermarks
  const written = Math.floor(Math.max(appended - 1, 0) / segmentBytes) * segmentBytes
  const below = Math.min(Math.floor(offset / segmentBytes) * segmentBytes, written)
  const minOffset = engine.minPhysicalOffset
  return {
    deletedFiles,
    deletedBytes: deletedFiles * segmentBytes,
    minOffset,
    remainingFiles: Math.max(0, Math.round((below - minOffset) / segmentBytes)),
  }
}
