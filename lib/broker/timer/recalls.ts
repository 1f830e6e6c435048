/** The key of `TIMER_DEL_UNIQKEY`: a message by its topic and its client's id. */
export const recallKey = (topic: string, uniqKey: string): string => `${topic}+${uniqKey}`

/** Which timers were called off: by delivery time and key, until that time is over. */
export class Recalls {
  readonly #called = new Set<string>()
  /** What stands in the timer queue, by its offset. */
  readonly #stored = new Map<number, string>()

  get size(): number {
    return this.#called.size
  }

  /** From now on, also before the recall was read from the timer queue. */
  add(dueMs: number, key: string): void {
    this.#called.add(`${dueMs} ${key}`)
  }

  /** As read from the timer queue. */
  stored(queueOffset: number, dueMs: number, key: string): void {
    this.add(dueMs, key)
    this.#stored.set(queueOffset, `${dueMs} ${key}`)
  }

  has(dueMs: number, topic: string, uniqKey: string | undefined): boolean {
    return this.#called.size > 0 && uniqKey !== undefined && this.#called.has(`${dueMs} ${recallKey(topic, uniqKey)}`)
  }

  /** It stands at another offset of the timer queue now. */
  moved(queueOffset: number): void {
    this.#stored.delete(queueOffset)
  }

  /** Everything of its delivery time was delivered. */
  over(queueOffset: number): void {
    const called = this.#stored.get(queueOffset)
    this.#stored.delete(queueOffset)
    if (called !== undefined) this.#called.delete(called)
  }
}
