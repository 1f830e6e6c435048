/** Most messages that one commit takes. */
const MAX_GROUP = 1024

type Waiter = { readonly resolve: () => void; readonly reject: (cause: unknown) => void }

/**
 * Group commit as a Node program would write it by hand: one commit runs at a time and takes all messages that came
 * while the one before ran.
 */
export class Grouping {
  readonly #commit: (starts: readonly number[]) => Promise<void> | void
  #starts: number[] = []
  #waiters: Waiter[] = []
  #isRunning = false

  constructor(commit: (starts: readonly number[]) => Promise<void> | void) {
    this.#commit = commit
  }

  append(start: number): Promise<void> {
    this.#starts.push(start)
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }))
    if (!this.#isRunning) {
      this.#isRunning = true
      // Not at once: those who append in the same turn belong into the same group.
      queueMicrotask(() => void this.#run())
    }
    return done
  }

  async #run(): Promise<void> {
    while (this.#starts.length > 0) {
      const starts = this.#starts.splice(0, MAX_GROUP)
      const waiters = this.#waiters.splice(0, MAX_GROUP)
      try {
        await this.#commit(starts)
        for (const waiter of waiters) waiter.resolve()
      } catch (cause) {
        for (const waiter of waiters) waiter.reject(cause)
      }
      // Those who were answered append again before the next group is taken.
      await undefined
    }
    this.#isRunning = false
  }
}
