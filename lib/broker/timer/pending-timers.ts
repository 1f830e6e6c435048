import { OffsetSet } from './offset-set.ts'

/** Set in an entry of the heap that calls a timer off: it comes behind all timers of its time. */
const RECALL_BIT = 2 ** 52
const FIRST_CAPACITY = 1024
const ARITY = 4
/** Entries of the heap that lead to nothing any more are swept out when there are more, and more than pending ones. */
const LEAST_SWEEP = 4096

/** One that is due. */
export interface DueTimer {
  /** Milliseconds since the epoch. */
  readonly dueMs: number
  /** In the timer queue. */
  readonly queueOffset: number
  /** Calls another one off instead of delivering something. */
  readonly isRecall: boolean
}

/**
 * Timers that wait: a heap of due time and queue offset in flat arrays (16 bytes each, up to twice that behind a
 * growth), and one bit per offset of the timer queue. Equal times come in queue order, recalls behind all others.
 *
 * Offsets are added in ascending order.
 */
export class PendingTimers {
  /** Offsets that still have to be settled. */
  readonly #offsets = new OffsetSet()
  #due: Float64Array = new Float64Array(FIRST_CAPACITY)
  /** Queue offset, with `RECALL_BIT`. */
  #entry: Float64Array = new Float64Array(FIRST_CAPACITY)
  #count = 0

  /** How many wait. */
  get size(): number {
    return this.#offsets.size
  }

  /** Memory of the arrays in bytes. */
  get memoryBytes(): number {
    return this.#due.byteLength + this.#entry.byteLength + this.#offsets.memoryBytes
  }

  /** The first offset that is not settled; undefined when none waits. */
  get oldest(): number | undefined {
    return this.#offsets.min
  }

  /** When the next one is due; Infinity when none waits. */
  get nextDueMs(): number {
    this.#dropSettled()
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#due[0]!
  }

  has(queueOffset: number): boolean {
    return this.#offsets.has(queueOffset)
  }

  /** The first offset from there on that is not settled. */
  nextOffset(from: number): number | undefined {
    return this.#offsets.next(from)
  }

  add(dueMs: number, queueOffset: number, isRecall: boolean): void {
    this.#offsets.add(queueOffset)
    this.#push(dueMs, isRecall ? queueOffset + RECALL_BIT : queueOffset)
  }

  /** Takes the next one that is due by `nowMs`; it counts as waiting until it is settled. */
  take(nowMs: number): DueTimer | undefined {
    if (this.nextDueMs > nowMs) return undefined
    const dueMs = this.#due[0]!
    const entry = this.#entry[0]!
    this.#pop()
    const isRecall = entry >= RECALL_BIT
    return { dueMs, queueOffset: isRecall ? entry - RECALL_BIT : entry, isRecall }
  }

  /** Puts one back that was taken. */
  putBack({ dueMs, queueOffset, isRecall }: DueTimer): void {
    this.#push(dueMs, isRecall ? queueOffset + RECALL_BIT : queueOffset)
  }

  /** It was delivered, called off or moved. */
  settle(queueOffset: number): void {
    this.#offsets.delete(queueOffset)
    if (this.#count > LEAST_SWEEP && this.#count > 2 * this.#offsets.size) this.#sweep()
  }

  #dropSettled(): void {
    while (this.#count > 0 && !this.#isPending(0)) this.#pop()
  }

  #isPending(index: number): boolean {
    const entry = this.#entry[index]!
    return this.#offsets.has(entry >= RECALL_BIT ? entry - RECALL_BIT : entry)
  }

  #push(dueMs: number, entry: number): void {
    if (this.#count === this.#due.length) this.#resize(this.#count * 2)
    const due = this.#due
    const entries = this.#entry
    let index = this.#count++
    while (index > 0) {
      const parent = Math.floor((index - 1) / ARITY)
      if (!isBefore(dueMs, entry, due[parent]!, entries[parent]!)) break
      due[index] = due[parent]!
      entries[index] = entries[parent]!
      index = parent
    }
    due[index] = dueMs
    entries[index] = entry
  }

  #pop(): void {
    const last = --this.#count
    if (last > 0) this.#sink(0, this.#due[last]!, this.#entry[last]!)
    if (this.#due.length > FIRST_CAPACITY && last < this.#due.length / 8) this.#resize(this.#due.length / 4)
  }

  /** Puts an entry where it belongs at or below `start`. */
  #sink(start: number, dueMs: number, entry: number): void {
    const due = this.#due
    const entries = this.#entry
    const count = this.#count
    let index = start
    for (let child = index * ARITY + 1; child < count; child = index * ARITY + 1) {
      let least = child
      const end = Math.min(child + ARITY, count)
      for (let other = child + 1; other < end; other++) {
        if (isBefore(due[other]!, entries[other]!, due[least]!, entries[least]!)) least = other
      }
      if (!isBefore(due[least]!, entries[least]!, dueMs, entry)) break
      due[index] = due[least]!
      entries[index] = entries[least]!
      index = least
    }
    due[index] = dueMs
    entries[index] = entry
  }

  /** Takes out what was settled by another way than being due. */
  #sweep(): void {
    let kept = 0
    for (let index = 0; index < this.#count; index++) {
      if (!this.#isPending(index)) continue
      this.#due[kept] = this.#due[index]!
      this.#entry[kept] = this.#entry[index]!
      kept += 1
    }
    this.#count = kept
    for (let index = Math.floor((kept - 2) / ARITY); index >= 0; index--) {
      this.#sink(index, this.#due[index]!, this.#entry[index]!)
    }
  }

  #resize(capacity: number): void {
    const resized = (from: Float64Array): Float64Array => {
      const to = new Float64Array(capacity)
      to.set(from.subarray(0, this.#count))
      return to
    }
    this.#due = resized(this.#due)
    this.#entry = resized(this.#entry)
  }
}

const isBefore = (due: number, entry: number, otherDue: number, otherEntry: number): boolean =>
  due < otherDue || (due === otherDue && entry < otherEntry)
