import type { StoreWatermarks } from './message-store.ts'
import { WakeReason, watermarkColumns } from './native-addon.ts'
import { StoreError, storeClosed } from './store-error.ts'
import { type WaiterCallback, WatermarkWaiters } from './watermark-waiters.ts'

const appendedCell = 0
const committedCell = 1
const flushedCell = 2
const dispatchedCell = 3
const failedCell = 4

/** What a store's progress is read from. */
export interface ProgressSource {
  /** Fills in the cells of {@link watermarkColumns}. */
  readonly readMarks: (marks: Float64Array) => void
  readonly failure: () => StoreError | undefined
  /** Whether news of this kind are to wake the event loop. */
  readonly setWaiting: (reason: number, isWaiting: boolean) => void
}

/** Those who wait for one of the watermarks. */
interface Waiting {
  readonly cell: number
  readonly reason: number
  readonly waiters: WatermarkWaiters
}

/** How far the log of one store has come, and who waits for it to come further. */
export class LogProgress {
  readonly watermarks: StoreWatermarks
  readonly #source: ProgressSource
  readonly #marks = new Float64Array(watermarkColumns.length)
  readonly #committed = waitingFor(committedCell, WakeReason.PROGRESS)
  readonly #flushed = waitingFor(flushedCell, WakeReason.PROGRESS)
  readonly #dispatched = waitingFor(dispatchedCell, WakeReason.DISPATCHED)
  readonly #all: readonly Waiting[] = [this.#committed, this.#flushed, this.#dispatched]
  #isLive = false
  #isSettleQueued = false

  constructor(source: ProgressSource) {
    this.#source = source
    this.watermarks = liveWatermarks(() => this.#readMarks())
  }

  /** From here on the watermarks are those of the open store. */
  start(): void {
    this.#isLive = true
    this.#readMarks()
  }

  /** From here on they stand, and nobody is told before {@link finish}. */
  stop(): void {
    this.#readMarks()
    this.#isLive = false
  }

  /** Reads the last values; who waits for more gets the error. */
  finish(error: StoreError): void {
    this.#source.readMarks(this.#marks)
    for (const { cell, waiters } of this.#all) waiters.settle(this.#marks[cell]!, error)
  }

  /** What an append has answered is known without asking. */
  noteAppended(endOffset: number): void {
    if (endOffset > this.#marks[appendedCell]!) this.#marks[appendedCell] = endOffset
  }

  onFlushed(endOffset: number, callback: WaiterCallback): void {
    this.#add(this.#flushed, endOffset, callback)
  }

  whenCommitted(endOffset: number): Promise<void> {
    return this.#when(this.#committed, endOffset)
  }

  whenDispatched(endOffset: number): Promise<void> {
    return this.#when(this.#dispatched, endOffset)
  }

  /** Tells those whose watermark has passed; after a failure all. */
  settle(): void {
    if (!this.#isLive || this.#all.every(({ waiters }) => waiters.size === 0)) return
    const marks = this.#readMarks()
    const failure = marks[failedCell] === 0 ? undefined : this.#source.failure()
    for (const { cell, waiters } of this.#all) waiters.settle(marks[cell]!, failure)
    if (this.#flushed.waiters.size + this.#committed.waiters.size === 0) {
      this.#source.setWaiting(WakeReason.PROGRESS, false)
    }
    if (this.#dispatched.waiters.size === 0) this.#source.setWaiting(WakeReason.DISPATCHED, false)
  }

  #when(waiting: Waiting, endOffset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#add(waiting, endOffset, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  #add({ cell, reason, waiters }: Waiting, endOffset: number, callback: WaiterCallback): void {
    if (!this.#isLive) {
      queueMicrotask(() => callback(storeClosed()))
      return
    }
    this.#checkEnd(endOffset)
    waiters.add(endOffset, callback)
    if (waiters.size === 1) {
      // First ask to be woken, then look: progress in between is seen by one of the two.
      this.#source.setWaiting(reason, true)
      this.#readMarks()
    }
    if (endOffset <= this.#marks[cell]! || this.#marks[failedCell] !== 0) this.#queueSettle()
  }

  /** An end behind the log's end would never be reached. */
  #checkEnd(endOffset: number): void {
    const isOffset = Number.isSafeInteger(endOffset) && endOffset >= 0
    if (isOffset && (endOffset <= this.#marks[appendedCell]! || endOffset <= this.#readMarks()[appendedCell]!)) return
    throw new StoreError('STORE_INVALID_ARGUMENT', `endOffset is not an offset up to the log's end: ${endOffset}`)
  }

  #readMarks(): Float64Array {
    if (this.#isLive) this.#source.readMarks(this.#marks)
    return this.#marks
  }

  #queueSettle(): void {
    if (this.#isSettleQueued) return
    this.#isSettleQueued = true
    queueMicrotask(() => {
      this.#isSettleQueued = false
      this.settle()
    })
  }
}

const waitingFor = (cell: number, reason: number): Waiting => ({ cell, reason, waiters: new WatermarkWaiters() })

const liveWatermarks = (read: () => Float64Array): StoreWatermarks => ({
  get appended() {
    return read()[appendedCell]!
  },
  get committed() {
    return read()[committedCell]!
  },
  get flushed() {
    return read()[flushedCell]!
  },
  get dispatched() {
    return read()[dispatchedCell]!
  },
})
