import type { Clock, TimerHandle } from '../base/clock.ts'

/** Why a wait is over: the log's end that it waits for was passed, or its time. */
export type WaitEnd = 'passed' | 'timeout'

/** One wait; ends once. */
export interface TimedWait {
  readonly endOffset: number
  readonly deadlineMs: number
  readonly onEnd: (how: WaitEnd) => void
  ended: boolean
}

const CHECK_PERIOD_MS = 50

/** Waits for ends of the log that all last equally long at most, first come first served. Times are over 50 ms late at most. */
export class TimedWaits {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #waits: TimedWait[] = []
  readonly #timer: TimerHandle
  #head = 0

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#timer = clock.every(CHECK_PERIOD_MS, () => {
      const nowMs = clock.monotonicMs()
      this.#endFront('timeout', ({ deadlineMs }) => deadlineMs <= nowMs)
    })
  }

  /** Those that are not over, and those that ended behind one of them. */
  get size(): number {
    return this.#waits.length - this.#head
  }

  /** @param onEnd called once unless {@link end} comes first */
  begin(endOffset: number, onEnd: (how: WaitEnd) => void): TimedWait {
    const deadlineMs = this.#clock.monotonicMs() + this.#timeoutMs
    const wait: TimedWait = { endOffset, deadlineMs, onEnd, ended: false }
    this.#waits.push(wait)
    return wait
  }

  /** Ends a wait without a call. @returns false when it was over before */
  end(wait: TimedWait): boolean {
    if (wait.ended) return false
    wait.ended = true
    this.#dropEnded()
    return true
  }

  /** Everything below `endOffset` is there: ends who waits for that, none before those in front of it. */
  passed(endOffset: number): void {
    this.#endFront('passed', (wait) => wait.endOffset <= endOffset)
  }

  /** No time is looked at any more. */
  stop(): void {
    this.#timer.cancel()
  }

  /** All times are over now. */
  expireAll(): void {
    this.#endFront('timeout', () => true)
  }

  /** What is called may begin and end waits. */
  #endFront(how: WaitEnd, isOver: (wait: TimedWait) => boolean): void {
    for (;;) {
      const wait = this.#waits[this.#head]
      if (wait === undefined || !(wait.ended || isOver(wait))) break
      this.#head += 1
      if (wait.ended) continue
      wait.ended = true
      wait.onEnd(how)
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
