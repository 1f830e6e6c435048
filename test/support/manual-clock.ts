import type { Clock, TimerHandle } from '../../lib/base/clock.ts'

interface Timer {
  dueAt: number
  readonly periodMs: number | undefined
  readonly callback: () => void
}

/** A clock that stands still until `advance` moves it. Timers fire inside `advance`, in the order they are due. */
export class ManualClock implements Clock {
  readonly #startMs: number
  readonly #timers = new Set<Timer>()
  #elapsedMs = 0

  /** @param startMs wall clock at the start, in milliseconds since the epoch */
  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
  }

  /** Timers that have not fired or been cancelled. */
  get timers(): number {
    return this.#timers.size
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    return this.#add({ dueAt: this.#elapsedMs + delayMs, periodMs: undefined, callback })
  }

  every(periodMs: number, callback: () => void, initialDelayMs = periodMs): TimerHandle {
    return this.#add({ dueAt: this.#elapsedMs + initialDelayMs, periodMs, callback })
  }

  advance(byMs: number): void {
    const until = this.#elapsedMs + byMs
    for (let timer = this.#nextDue(until); timer !== undefined; timer = this.#nextDue(until)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueAt)
      if (timer.periodMs === undefined) this.#timers.delete(timer)
      else timer.dueAt += timer.periodMs
      timer.callback()
    }
    this.#elapsedMs = until
  }

  #add(timer: Timer): TimerHandle {
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }

  #nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueAt <= untilMs && (next === undefined || timer.dueAt < next.dueAt)) next = timer
    }
    return next
  }
}
