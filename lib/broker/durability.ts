import type { Clock } from '../base/clock.ts'
import type { ResponseCodeName } from '../protocol/response-codes.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { StoreError } from '../store/store-error.ts'
import { TimedWaits } from './timed-waits.ts'

/** What became of appended bytes that were to be made durable. All but `failed`: they are in the log. */
export type DurabilityOutcome =
  /** The promise of flush mode and broker role holds. */
  | { readonly kind: 'durable' }
  /** Not yet on the device after the configured time; it may still get there. */
  | { readonly kind: 'timeout' }
  /** On no slave after the configured time, whatever of the device; it may still get there. */
  | { readonly kind: 'replica-timeout' }
  /** There was no slave near enough to wait for, whatever of the device. */
  | { readonly kind: 'no-replica' }
  /** The sync failed: nothing was promised, the store is read-only. */
  | { readonly kind: 'failed'; readonly error: StoreError }

/** What a send of something stored is answered with; but for the first also the names of Java's PutMessageStatus. */
export const putStatusOf = {
  durable: 'SUCCESS',
  timeout: 'FLUSH_DISK_TIMEOUT',
  'replica-timeout': 'FLUSH_SLAVE_TIMEOUT',
  'no-replica': 'SLAVE_NOT_AVAILABLE',
} as const satisfies Record<Exclude<DurabilityOutcome['kind'], 'failed'>, ResponseCodeName>

/** Holds acknowledgements back until what they promise is true. */
export interface Durability {
  /** Whether acknowledgements wait for anything. */
  readonly waits: boolean
  /** Calls `settle` once: synchronously when nothing is waited for, else from a later turn. */
  hold(endOffset: number, settle: (outcome: DurabilityOutcome) => void): void
  /** Says that the log has grown by something nobody waits for (messages sent with WAIT=false). */
  requestSoon(endOffset: number): void
}

/** What the gate needs of the store. */
type SyncedStore = Pick<MessageStore, 'flushMode' | 'onFlushed' | 'requestFlush'>

const DURABLE: DurabilityOutcome = { kind: 'durable' }
const TIMEOUT: DurabilityOutcome = { kind: 'timeout' }

/**
 * The flush mode's promise. Under async flush acknowledgements wait for nothing, under sync flush until the flushed
 * watermark has passed the append's end. One flush is requested per turn of the event loop for all appends of that turn,
 * so that connections share a sync.
 */
export class DurabilityGate implements Durability {
  readonly #store: SyncedStore
  /** Absent when nothing is waited for. */
  readonly #waits: TimedWaits | undefined
  #wantedOffset = 0
  #requestScheduled = false
  #stopped = false

  /** @param timeoutMs how long an append may wait for its sync (`syncFlushTimeout`) */
  constructor(store: SyncedStore, clock: Clock, timeoutMs: number) {
    this.#store = store
    this.#waits = store.flushMode === 'sync' ? new TimedWaits(clock, timeoutMs) : undefined
  }

  /** Whether acknowledgements wait for the device. */
  get waits(): boolean {
    return this.#waits !== undefined
  }

  hold(endOffset: number, settle: (outcome: DurabilityOutcome) => void): void {
    const waits = this.#waits
    if (waits === undefined) {
      settle(DURABLE)
      return
    }
    const wait = waits.begin(endOffset, () => settle(TIMEOUT))
    this.#store.onFlushed(endOffset, (error) => {
      if (waits.end(wait)) settle(error === undefined ? DURABLE : { kind: 'failed', error })
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
    this.#waits?.stop()
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
}
