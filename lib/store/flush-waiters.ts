import type { StoreError } from './store-error.ts'

export type FlushCallback = (error: StoreError | undefined) => void

const initialCapacity = 64

/** Calls back and keeps what it throws from the caller: it becomes an uncaught exception of its own. */
export const callApart = <A extends unknown[]>(callback: (...args: A) => void, ...args: A): void => {
  try {
    callback(...args)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Who waits for which end of the log to become durable, first come first served. A ring; adding allocates nothing. */
export class FlushWaiters {
  #ends = new Float64Array(initialCapacity)
  #callbacks: (FlushCallback | undefined)[] = new Array(initialCapacity).fill(undefined)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  add(endOffset: number, callback: FlushCallback): void {
    if (this.#size === this.#callbacks.length) this.#grow()
    const slot = (this.#head + this.#size) & (this.#callbacks.length - 1)
    this.#ends[slot] = endOffset
    this.#callbacks[slot] = callback
    this.#size++
  }

  /**
   * Calls back everyone at the front whose bytes are below `flushed`. With a `failure` nobody stays: those above
   * `flushed` get it. Callbacks may add.
   */
  settle(flushed: number, failure: StoreError | undefined): void {
    for (let left = this.#size; left > 0; left--) {
      const durable = this.#ends[this.#head]! <= flushed
      if (!durable && failure === undefined) return
      callApart(this.#take(), durable ? undefined : failure)
    }
  }

  #take(): FlushCallback {
    const callback = this.#callbacks[this.#head]!
    this.#callbacks[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#callbacks.length - 1)
    this.#size--
    return callback
  }

  #grow(): void {
    const capacity = this.#callbacks.length
    const ends = new Float64Array(capacity * 2)
    const callbacks: (FlushCallback | undefined)[] = new Array(capacity * 2).fill(undefined)
    for (let index = 0; index < this.#size; index++) {
      const slot = (this.#head + index) & (capacity - 1)
      ends[index] = this.#ends[slot]!
      callbacks[index] = this.#callbacks[slot]
    }
    this.#ends = ends
    this.#callbacks = callbacks
    this.#head = 0
  }
}
