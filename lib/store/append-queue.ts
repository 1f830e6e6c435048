import type { Clock, TimerHandle } from '../base/clock.ts'
import type { Appended } from './appended.ts'
import type { MessageStore } from './message-store.ts'
import { StoreError } from './store-error.ts'

/** Nothing was appended for want of memory. */
export const storeBusy = (): StoreError =>
  new StoreError('STORE_BUSY', 'no room in memory for what is on its way to the device: nothing was appended')

/** After which time is asked again for room that nobody tells of. */
const pauseMs = 1

interface Waiting {
  /** Appends, or gives undefined while there is no room. */
  readonly attempt: () => Appended | undefined
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
  timer: TimerHandle | undefined
}

/** Appends that wait for room in memory, first come, first served. */
export class AppendQueue {
  readonly #engine: Pick<MessageStore, 'watermarks' | 'whenCommitted'>
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()
  #isServing = false

  constructor(engine: Pick<MessageStore, 'watermarks' | 'whenCommitted'>, clock: Clock) {
    this.#engine = engine
    this.#clock = clock
  }

  /** How many wait. While any does, others have to wait behind it. */
  get size(): number {
    return this.#waiting.size
  }

  /**
   * Resolves with what `attempt` gives once there is room; rejects with what it throws, and with `STORE_BUSY` when
   * `timeoutMs` are over.
   */
  wait(attempt: () => Appended | undefined, timeoutMs: number | undefined): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { attempt, resolve, reject, timer: undefined }
      this.#waiting.add(waiting)
      if (timeoutMs !== undefined) {
        waiting.timer = this.#clock.after(timeoutMs, () => this.#end(waiting, () => reject(storeBusy())))
      }
      if (!this.#isServing) this.#serve()
    })
  }

  rejectAll(error: unknown): void {
    for (const waiting of this.#waiting) this.#end(waiting, () => waiting.reject(error))
  }

  async #serve(): Promise<void> {
    this.#isServing = true
    try {
      while (this.#waiting.size > 0) {
        // Before the attempt: room that is made in between is seen by one of the two.
        const { committed } = this.#engine.watermarks
        if (!this.#takeWhatFits()) await this.#whenBehind(committed)
      }
    } catch (error) {
      this.rejectAll(error)
    }
    this.#isServing = false
  }

  /** Memory that is committed may still be held for a moment, by who reads in it. */
  async #whenBehind(committed: number): Promise<void> {
    if (committed < this.#engine.watermarks.appended) await this.#engine.whenCommitted(committed + 1)
    else await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve))
  }

  /** Whether nobody is left. */
  #takeWhatFits(): boolean {
    for (const waiting of this.#waiting) {
      try {
        const appended = waiting.attempt()
        if (appended === undefined) return false
        this.#end(waiting, () => waiting.resolve(appended))
      } catch (error) {
        this.#end(waiting, () => waiting.reject(error))
      }
    }
    return true
  }

  #end(waiting: Waiting, settle: () => void): void {
    waiting.timer?.cancel()
    if (this.#waiting.delete(waiting)) settle()
  }
}
