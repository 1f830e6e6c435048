import type { Clock, TimerHandle } from '../base/clock.ts'

/** One wait; ends once, by {@link TimedWaits.end} or by its time. */
export interface TimedWait {
  readonly deadlineMs: number
  readonly onTimeout: () => void
  ended: boolean
}

const CHECK_PERIOD_MS = 50

/** Waits that all last equally long at most. Their end is at most 50 ms late. */
export class TimedWaits {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #waits: TimedWait[] = []
  readonly #timer: TimerHandle
  #head = 0

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#timer = clock.every(CHECK_PERIOD_MS, () => this.#expire(clock.monotonicMs()))
  }

  /** @param onTimeout called when the time is over before {@link end} */
  begin(onTimeout: () => void): TimedWait {
    const wait: TimedWait = { deadlineMs: this.#clock.monotonicMs() + this.#timeoutMs, onTimeout, ended: false }
    this.#waits.push(wait)
    return wait
  }

  /** @returns false when its time was over before */
  end(wait: TimedWait): boolean {
    if (wait.ended) return false
    wait.ended = true
    this.#dropEnded()
    return true
  }

  /** No time is over any more. */
  stop(): void {
    this.#timer.cancel()
  }

  /** All times are over now. */
  expireAll(): void {
    this.#expire(Number.POSITIVE_INFINITY)
  }

  #expire(nowMs: number): void {
    for (;;) {
      const wait = this.#waits[this.#head]
      if (wait === undefined || !(wait.ended || wait.deadlineMs <= nowMs)) break
      this.#head += 1
      if (wait.ended) continue
      wait.ended = true
      wait.onTimeout()
    }
    this.#dropEnded()
  }

  #dropEnded(): void {
    while (this.#head < this.#waits.length && this.#waits[this.#head]!.ended) this.#head += 1
    if (this.#head > 1024 || this.#head === this.#waits.length) {
      this.#waits.splice(0, this.#head)
      this.#head = 0
    }
  }
}
