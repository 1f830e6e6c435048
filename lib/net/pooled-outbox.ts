import type { BufferPool } from './buffer-pool.ts'
import type { Outbox } from './connection.ts'

const MIN_BYTES = 4 * 1024
const MAX_GROWN_BYTES = 1024 * 1024
const EMPTY = Buffer.alloc(0)

/** Where full buffers go. It calls the outbox's `written` for each write, in their order. */
export interface OutboxSink {
  /** The outbox holds bytes for the first time since the last `flush`. */
  outboxFilled(): void
  write(bytes: Buffer): void
}

/** The bytes of one connection's current tick, contiguous in one pooled buffer: [start, end) goes out with `flush`. */
export class PooledOutbox implements Outbox {
  readonly #pool: BufferPool
  readonly #sink: OutboxSink
  #buffer: Buffer = EMPTY
  #start = 0
  #end = 0
  /** Size of the last write: the next one is likely to need as much. */
  #usualBytes = MIN_BYTES
  /** Of writes that have not ended, the oldest first; and how many bytes each wrote. */
  readonly #lent: Buffer[] = []
  readonly #lentBytes: number[] = []

  constructor(pool: BufferPool, sink: OutboxSink) {
    this.#pool = pool
    this.#sink = sink
  }

  get buffer(): Buffer {
    return this.#buffer
  }

  /** Committed and not yet written. */
  get pendingBytes(): number {
    return this.#end - this.#start
  }

  reserve(sizeBytes: number): number {
    if (this.#buffer.length - this.#end < sizeBytes) this.#makeRoom(sizeBytes)
    return this.#end
  }

  commit(start: number, end: number): void {
    const wasEmpty = this.#end === this.#start
    const gap = start - this.#end
    if (gap > 0 && !wasEmpty) this.#closeGap(gap, start, end)
    else {
      if (wasEmpty) this.#start = start
      this.#end = end
    }
    if (wasEmpty && this.#end > this.#start) this.#sink.outboxFilled()
  }

  /** Hands everything committed to the sink in one piece. */
  flush(): void {
    const { pendingBytes } = this
    if (pendingBytes === 0) return
    const buffer = this.#buffer
    const bytes = buffer.subarray(this.#start, this.#end)
    this.#usualBytes = Math.max(MIN_BYTES, Math.min(pendingBytes, MAX_GROWN_BYTES))
    this.#buffer = EMPTY
    this.#start = 0
    this.#end = 0
    this.#lent.push(buffer)
    this.#lentBytes.push(pendingBytes)
    this.#sink.write(bytes)
  }

  /** The oldest write has ended: its memory may be used again. Returns its bytes. */
  written(): number {
    this.#pool.give(this.#lent.shift()!)
    return this.#lentBytes.shift()!
  }

  /** Forgets everything; for a connection that is gone. */
  discard(): void {
    this.#pool.give(this.#buffer)
    this.#buffer = EMPTY
    this.#start = 0
    this.#end = 0
  }

  /** Moves whichever is shorter: what is queued up to the new frame, or the new frame down to what is queued. */
  #closeGap(gap: number, start: number, end: number): void {
    if (this.pendingBytes <= end - start) {
      this.#buffer.copyWithin(this.#start + gap, this.#start, this.#end)
      this.#start += gap
      this.#end = end
    } else {
      this.#buffer.copyWithin(this.#end, start, end)
      this.#end += end - start
    }
  }

  /** A larger buffer with the same content, or, beyond 1 MiB, an early write and a fresh one. */
  #makeRoom(sizeBytes: number): void {
    const pending = this.pendingBytes
    if (pending > 0 && pending + sizeBytes > MAX_GROWN_BYTES) this.flush()
    const kept = this.pendingBytes
    const grown = this.#pool.take(Math.max(this.#usualBytes, kept + sizeBytes, Math.min(2 * kept, MAX_GROWN_BYTES)))
    this.#buffer.copy(grown, 0, this.#start, this.#end)
    this.#pool.give(this.#buffer)
    this.#buffer = grown
    this.#start = 0
    this.#end = kept
  }
}
