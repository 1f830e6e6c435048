import type { TimerNotes } from './timer-notes.ts'
import type { TimerQueue } from './timer-queue.ts'
import { TimerRecord } from './timer-record.ts'

const MAX_RECORDS = 512
const CHUNK_BYTES = 512 * 1024

/** Takes what stands in the timer queue; called in queue order. */
export interface ScanTarget {
  /** Nothing at or behind this offset was seen before. */
  scanning(fromOffset: number): void
  /** The record is reused for the next one. */
  found(record: TimerRecord): void
  /** Instead of `found`, a timer that this process has stored. */
  noted(dueMs: number, queueOffset: number): void
}

/** Reads the timer queue in order, once. */
export class TimerScan {
  /** Everything below was read. */
  position: number
  readonly #queue: TimerQueue
  readonly #notes: TimerNotes
  readonly #target: ScanTarget
  readonly #record = new TimerRecord()
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)

  constructor(queue: TimerQueue, notes: TimerNotes, target: ScanTarget, position: number) {
    this.#queue = queue
    this.#notes = notes
    this.#target = target
    this.position = position
  }

  /** Reads up to 512 records; false when it has come to the end. */
  async advance(): Promise<boolean> {
    const { min, max } = this.#queue.bounds
    const from = Math.max(this.position, min)
    if (from >= max) return false
    if (this.#takeNotes(from, Math.min(max, from + MAX_RECORDS))) return true
    let read = this.#queue.read(from, MAX_RECORDS, this.#chunk, 0, false)
    if (read === undefined) {
      await this.#queue.readAhead(from, MAX_RECORDS, this.#chunk.length)
      read = this.#queue.read(from, MAX_RECORDS, this.#chunk, 0, true)!
    }
    if (read.neededBytes > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(read.neededBytes)
      return true
    }
    this.#target.scanning(from)
    for (let at = 0; at < read.sizeBytes; at += this.#record.sizeBytes) {
      this.#record.read(this.#chunk, at)
      this.#target.found(this.#record)
    }
    this.position = read.nextOffset
    if (this.#chunk.length > CHUNK_BYTES) this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    return true
  }

  /** Goes on over what is noted; false when nothing is. */
  #takeNotes(from: number, end: number): boolean {
    let at = from
    while (at < end) {
      const dueMs = this.#notes.take(at)
      if (dueMs === undefined) break
      if (at === from) this.#target.scanning(from)
      this.#target.noted(dueMs, at++)
    }
    this.position = at
    return at > from
  }
}
