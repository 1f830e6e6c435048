import type { StoredMessage } from '../protocol/message-codec.ts'

/** A message between pull and commit. */
export interface TakenMessage {
  readonly record: StoredMessage
  /** How often this client's handler failed for it. */
  failures: number
}

/**
 * Messages of one queue between pull and commit. The offset to commit is that of the first message not yet done, so
 * that a restart repeats messages but never skips one.
 */
export class ProcessQueue {
  readonly #inFlight = new Map<number, TakenMessage>()
  #sizeBytes = 0
  #behindNewest: number

  /** @param firstOffset where pulling starts */
  constructor(firstOffset: number) {
    this.#behindNewest = firstOffset
  }

  /** Messages taken and not done. */
  get count(): number {
    return this.#inFlight.size
  }

  /** Bytes of their bodies, as they travelled. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Everything below this offset is done. */
  get commitOffset(): number {
    // A Map lists in insertion order, and messages come in offset order.
    const first = this.#inFlight.keys().next()
    return first.done ? this.#behindNewest : first.value
  }

  /** @param records in the order of their offsets, all behind those added before */
  add(records: readonly StoredMessage[]): TakenMessage[] {
    return records.map((record) => {
      const taken = { record, failures: 0 }
      this.#inFlight.set(record.queueOffset, taken)
      this.#sizeBytes += record.body.length
      this.#behindNewest = record.queueOffset + 1
      return taken
    })
  }

  /** Pulling found that offsets below `nextOffset` hold nothing more for this consumer. */
  skipTo(nextOffset: number): void {
    if (nextOffset > this.#behindNewest) this.#behindNewest = nextOffset
  }

  /** The broker corrected the offset: the queue starts anew there, and what is in flight no longer counts. */
  restartAt(offset: number): void {
    this.#inFlight.clear()
    this.#sizeBytes = 0
    this.#behindNewest = offset
  }

  /** Whether this very message is in flight, and not another one that has its offset since a restart. */
  has(taken: TakenMessage): boolean {
    return this.#inFlight.get(taken.record.queueOffset) === taken
  }

  done(taken: TakenMessage): void {
    if (!this.has(taken)) return
    this.#inFlight.delete(taken.record.queueOffset)
    this.#sizeBytes -= taken.record.body.length
  }
}
