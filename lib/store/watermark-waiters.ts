import type { StoreError } from './store-error.ts'

export type WaiterCallback = (error: StoreError | undefined) => void

const initialCapacity = 64

/** Calls back and keeps what it throws from the caller: it becomes an uncaught exception of its own. */
export const callApart = <A extends unknown[]>(callback: (...args: A) => void, ...args: A): void => {
  try {
    callback(...args)
  } catch (error) {
    throwApart(error)
  }
}

/** Makes the error an uncaught exception of its own. */
export const throwApart = (error: unknown): void => {
  queueMicrotask(() => {
    throw error
  })
}

/** Who waits for a watermark (flushed, dispatched) to pass which end of the log, first come first served. A ring; adding allocates nothing. */
export class WatermarkWaiters {
  #ends = new Float64Array(initialCapacity)
  #callbacks: (WaiterCallback | undefined)[] = new Array(initialCapacity).fill(undefined)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  add(endOffset: number, callback: WaiterCallback): void {
    if (this.#size === this.#callbacks.length) this.#grow()
    const slot = (this.#head + this.#size) & (this.#callbacks.length - 1)
    this.#ends[slot] = endOffset
    this.#callbacks[slot] = callback
    this.#size++
  }

  /**
   * Calls back everyone at the front whose bytes are below `watermark`. With a `failure` nobody stays: those above
   * it get the failure. Callbacks may add.
   */
  settle(watermark: number, failure: StoreError | undefined): void {
    for (let left = this.#size; left > 0; left--) {
      const passed = this.#ends[this.#head]! <= watermark
      if (!passed && failure === undefined) return
      callApart(this.#take(), passed ? undefined : failure)
    }
  }

  #take(): WaiterCallback {
    const callback = this.#callbacks[this.#head]!
    this.#callbacks[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#callbacks.length - 1)
    this.#size--
    return callback
  }

  #grow(): void {
    const capacity = this.#callbacks.length
    const ends = new Float64Array(capacity * 2)
    const callbacks: (WaiterCallback | undefined)[] = new Array(capacity * 2).fill(undefined)
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
