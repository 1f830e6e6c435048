import type { Clock } from './clock.ts'
import type { LogFields, Logger } from './logging.ts'

const WINDOW_MS = 1_000
const LINES_PER_WINDOW = 10

/** Warnings that peers can provoke at will: all are counted, at most ten a second are written. */
export class ThrottledLog {
  readonly #clock: Clock
  readonly #logger: Logger
  #windowEndsAt = 0
  #linesInWindow = 0
  #suppressed = 0
  #count = 0

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Warnings so far, written or not. */
  get count(): number {
    return this.#count
  }

  warn(fields: LogFields, message: string): void {
    this.#count += 1
    const now = this.#clock.monotonicMs()
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + WINDOW_MS
      this.#linesInWindow = 0
    }
    if (this.#linesInWindow >= LINES_PER_WINDOW) {
      this.#suppressed += 1
      return
    }
    this.#linesInWindow += 1
    const suppressed = this.#suppressed
    this.#suppressed = 0
    this.#logger.warn(suppressed === 0 ? fields : { ...fields, suppressedBefore: suppressed }, message)
  }
}
