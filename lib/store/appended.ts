import type { AppendBatch } from './append-batch.ts'

/** Where one appended message stands. */
export interface Position {
  /** Where its record starts in the log, in bytes from the log's beginning. What `get` and `lease` take. */
  readonly physicalOffset: number
  /** Its number within its queue, from 0. What `read`, `scan` and `tail` count by. */
  readonly queueOffset: number
  /** Bytes of its record in the log: the body and about 90 bytes more, plus topic and properties. */
  readonly sizeBytes: number
  /** When it was stored, milliseconds since the epoch. */
  readonly storeTimestampMs: number
}

/** What a write of messages has become when: in the log, and on the device. See docs/store.md for what each survives. */
export type Durability = 'appended' | 'flushed'

const cellsPerRow = 4

/** The messages of one append, in their order: columns of numbers, an object only for the position asked for. */
export class Appended implements Iterable<Position> {
  /** How many messages. */
  readonly length: number
  /** End of the last record, a physical offset; -1 without messages. */
  readonly endOffset: number
  readonly #cells: Float64Array
  readonly #whenDurable: (endOffset: number) => Promise<void>
  #durable: Promise<void> | undefined

  /** @internal */
  constructor(batch: AppendBatch, whenDurable: (endOffset: number) => Promise<void>) {
    this.length = batch.count
    this.endOffset = batch.endOffset
    this.#whenDurable = whenDurable
    const cells = new Float64Array(batch.count * cellsPerRow)
    for (let row = 0, at = 0; row < batch.count; row++, at += cellsPerRow) {
      cells[at] = batch.physicalOffset(row)
      cells[at + 1] = batch.queueOffset(row)
      cells[at + 2] = batch.sizeBytes(row)
      cells[at + 3] = batch.storeTimestampMs(row)
    }
    this.#cells = cells
  }

  /**
   * Resolves when all of them are as durable as was asked for. Looked at first when it is asked for: who does not need
   * it pays nothing. Rejects with `STORE_READ_ONLY` after a failed sync, with `STORE_CLOSED` when the store closed before.
   */
  get durable(): Promise<void> {
    this.#durable ??= this.length === 0 ? Promise.resolve() : this.#whenDurable(this.endOffset)
    return this.#durable
  }

  /** The position of the message at `index`; a negative one counts from the last. Undefined outside. */
  at(index: number): Position | undefined {
    const row = index < 0 ? this.length + index : index
    if (!Number.isInteger(row) || row < 0 || row >= this.length) return undefined
    const at = row * cellsPerRow
    const cells = this.#cells
    return {
      physicalOffset: cells[at]!,
      queueOffset: cells[at + 1]!,
      sizeBytes: cells[at + 2]!,
      storeTimestampMs: cells[at + 3]!,
    }
  }

  *[Symbol.iterator](): IterableIterator<Position> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!
  }
}
