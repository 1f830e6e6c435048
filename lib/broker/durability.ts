import type { Clock, TimerHandle } from '../base/clock.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { StoreError } from '../store/store-error.ts'

/** What became of appended bytes that were to be made durable. */
export type DurabilityOutcome =
  /** The flush mode's promise holds. */
  | { readonly kind: 'durable' }
  /** Not yet on the device after the configured time; it may still get there. */
  | { readonly kind: 'timeout' }
  /** The sync failed: nothing was promised, the store is read-only. */
  | { readonly kind: 'failed'; readonly error: StoreError }

/** What the gate needs of the store. */
type SyncedStore = Pick<MessageStore, 'flushMode' | 'onFlushed' | 'requestFlush'>

interface Waiting {
  readonly deadlineMs: number
  readonly settle: (outcome: DurabilityOutcome) => void
  settled: boolean
}

const DURABLE: DurabilityOutcome = { kind: 'durable' }
const TIMEOUT: DurabilityOutcome = { kind: 'timeout' }
const TIMEOUT_CHECK_MS = 50

/**
 * Holds acknowledgements back until what they promise is true. Under async flush that is at once; under sync flush it
 * is when the flushed watermark has passed the append's end. One flush is requested per turn of the event loop for
 * all appends of that turn, so that connections share a sync.
 */
export class DurabilityGate {
  readonly #store: SyncedStore
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #waiting: Waiting[] = []
  #head = 0
  #wantedOffset = 0
  #requestScheduled = false
  #stopped = false
  readonly #timer: TimerHandle | undefined

  /** @param timeoutMs how long an append may wait for its sync (`syncFlushTimeout`) */
  constructor(store: SyncedStore, clock: Clock, timeoutMs: number) {
    this.#store = store
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    if (this.waits) this.#timer = clock.every(TIMEOUT_CHECK_MS, () => this.#expire())
  }

  /** Whether acknowledgements wait for the device. */
  get waits(): boolean {
    return this.#store.flushMode === 'sync'
  }

  /** Calls `settle` once: synchronously when nothing is waited for, else from a later turn. */
  hold(endOffset: number, settle: (outcome: DurabilityOutcome) => void): void {
    if (!this.waits) {
      settle(DURABLE)
      return
    }
    const waiting: Waiting = { deadlineMs: this.#clock.monotonicMs() + this.#timeoutMs, settle, settled: false }
    this.#waiting.push(waiting)
    this.#store.onFlushed(endOffset, (error) => {
      if (!waiting.settled) {
        waiting.settled = true
        settle(error === undefined ? DURABLE : { kind: 'failed', error })
      }
      this.#dropSettled()
    })
    this.#requestSoon(endOffset)
  }

  /** Asks for a sync nobody waits for (messages sent with WAIT=false under sync flush). */
  requestSoon(endOffset: number): void {
    if (this.waits) this.#requestSoon(endOffset)
  }

  /** Ends requests and the timeout check; call before the store closes. Acknowledgements still held settle when the store closes. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #requestSoon(endOffset: number): void {
    if (endOffset > this.#wantedOffset) this.#wantedOffset = endOffset
    if (this.#requestScheduled) return
    this.#requestScheduled = true
    setImmediate(() => {
      this.#requestScheduled = false
      if (!this.#stopped) this.#store.requestFlush(this.#wantedOffset)
    })
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs()
    for (let i = this.#head; i < this.#waiting.length; i++) {
      const waiting = this.#waiting[i]!
      if (waiting.deadlineMs > nowMs) break
      if (waiting.settled) continue
      waiting.settled = true
      waiting.settle(TIMEOUT)
    }
    this.#dropSettled()
  }

  #dropSettled(): void {
    while (this.#head < this.#waiting.length && this.#waiting[this.#head]!.settled) this.#head += 1
    if (this.#head > 1024 || this.#head === this.#waiting.length) {
      this.#waiting.splice(0, this.#head)
      this.#head = 0
    }
  }
}
