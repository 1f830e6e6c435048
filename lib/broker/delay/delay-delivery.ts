import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Stoppable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logging.ts'
import type { DelayedQueue } from './delayed-queue.ts'

const FAILED_WAIT_MS = 1000

/** Gives each delay level its turns: again at once while messages are due, else when the next one is. */
export class DelayDelivery implements Stoppable {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #timers = new Map<DelayedQueue, TimerHandle>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  constructor(queues: readonly DelayedQueue[], clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
    for (const queue of queues) this.#run(queue)
  }

  /** Resolves when no turn is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    await Promise.all(this.#running)
  }

  #run(queue: DelayedQueue): void {
    if (this.#stopped) return
    const turn: Promise<void> = this.#turn(queue).then((waitMs) => {
      this.#running.delete(turn)
      if (this.#stopped) return
      if (waitMs > 0)
        this.#timers.set(
          queue,
          this.#clock.after(waitMs, () => this.#run(queue)),
        )
      else setImmediate(() => this.#run(queue))
    })
    this.#running.add(turn)
  }

  async #turn(queue: DelayedQueue): Promise<number> {
    try {
      return await queue.turn()
    } catch (error) {
      if (!this.#stopped) this.#logger.error({ error, level: queue.level }, 'delivery of a delay level failed')
      return FAILED_WAIT_MS
    }
  }
}
