/** Messages of some chunks: by then the scan has been there. */
const CAPACITY = 2 ** 14

/**
 * What this process stored in the timer queue itself, so that the scan need not read it again: the last ones' due times
 * by queue offset. What is not here is read from the queue.
 */
export class TimerNotes {
  readonly #offsets = new Float64Array(CAPACITY).fill(-1)
  readonly #due = new Float64Array(CAPACITY)

  /** A timer was stored; not for recalls. */
  put(queueOffset: number, dueMs: number): void {
    const place = queueOffset % CAPACITY
    this.#offsets[place] = queueOffset
    this.#due[place] = dueMs
  }

  /** Forgets the note; undefined when there is none. */
  take(queueOffset: number): number | undefined {
    const place = queueOffset % CAPACITY
    if (this.#offsets[place] !== queueOffset) return undefined
    this.#offsets[place] = -1
    return this.#due[place]
  }
}
