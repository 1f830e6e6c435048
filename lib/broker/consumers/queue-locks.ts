import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { MessageQueue } from '../../protocol/bodies/message-queue.ts'

/** A lock nobody renewed for this long is free. Clients renew every 20 s. */
export const QUEUE_LOCK_LIFE_MS = 60_000
/** Most locks held at once; a client that invents queues gets no further. */
const MAX_LOCKS = 1_000_000

interface Lock {
  clientId: string
  renewedAtMs: number
}

const keyOf = (group: string, queue: MessageQueue): string =>
  `${group}\u0000${queue.topic}\u0000${queue.brokerName}\u0000${queue.queueId}`

/** Which client consumes which queue in order: one owner per group and queue, until it unlocks or falls silent. */
export class QueueLocks {
  readonly #clock: Clock
  readonly #locks = new Map<string, Lock>()
  readonly #cleaning: TimerHandle

  constructor(clock: Clock) {
    this.#clock = clock
    this.#cleaning = clock.every(QUEUE_LOCK_LIFE_MS, () => this.#dropExpired())
  }

  get size(): number {
    return this.#locks.size
  }

  /** Takes or renews what is free or the client's own. Returns the queues it now owns. */
  lock(group: string, queues: readonly MessageQueue[], clientId: string): MessageQueue[] {
    return queues.filter((queue) => this.#take(keyOf(group, queue), clientId))
  }

  /** Gives back those of the queues that the client owns. */
  unlock(group: string, queues: readonly MessageQueue[], clientId: string): void {
    for (const queue of queues) {
      const key = keyOf(group, queue)
      if (this.#locks.get(key)?.clientId === clientId) this.#locks.delete(key)
    }
  }

  stop(): void {
    this.#cleaning.cancel()
  }

  #take(key: string, clientId: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const held = this.#locks.get(key)
    if (held === undefined) {
      if (this.#locks.size >= MAX_LOCKS) return false
      this.#locks.set(key, { clientId, renewedAtMs: nowMs })
      return true
    }
    if (held.clientId !== clientId && nowMs - held.renewedAtMs <= QUEUE_LOCK_LIFE_MS) return false
    held.clientId = clientId
    held.renewedAtMs = nowMs
    return true
  }

  #dropExpired(): void {
    const oldestMs = this.#clock.monotonicMs() - QUEUE_LOCK_LIFE_MS
    for (const [key, lock] of this.#locks) if (lock.renewedAtMs < oldestMs) this.#locks.delete(key)
  }
}
