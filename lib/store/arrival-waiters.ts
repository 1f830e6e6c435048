import { type StoreError, storeClosed } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'

interface Waiter {
  /** Queue offset that the queue's end must exceed. */
  readonly beyond: number
  readonly end: (error?: StoreError) => void
}

const keyOf = (topic: TopicHandle, queueId: number): string => `${topic} ${queueId}`

/**
 * Who waits for new messages of which queue. The store tells of one arrival for each queue, perhaps of one that somebody
 * else had asked for: whoever waits for more goes on waiting.
 */
export class ArrivalWaiters {
  /** Whether the owner already passes arrivals on. */
  isListening = false
  readonly #byQueue = new Map<string, Set<Waiter>>()
  readonly #onWaiting: (isWaiting: boolean) => void

  /** @param onWaiting told when the first one waits, and when nobody does any more */
  constructor(onWaiting: (isWaiting: boolean) => void) {
    this.#onWaiting = onWaiting
  }

  /** Resolves when the queue's end exceeds `beyond` or the signal aborts; rejects with `STORE_CLOSED` at the close. */
  wait(topic: TopicHandle, queueId: number, beyond: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    const key = keyOf(topic, queueId)
    return new Promise<void>((resolve, reject) => {
      const onAbort = () => waiter.end()
      const end: Waiter['end'] = (error) => {
        signal?.removeEventListener('abort', onAbort)
        this.#remove(key, waiter)
        if (error === undefined) resolve()
        else reject(error)
      }
      const waiter: Waiter = { beyond, end }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#add(key, waiter)
    })
  }

  /** The queue ends at `max` now. */
  arrived(topic: TopicHandle, queueId: number, max: number): void {
    for (const waiter of [...(this.#byQueue.get(keyOf(topic, queueId)) ?? [])]) if (max > waiter.beyond) waiter.end()
  }

  /** The least that somebody waits for in the queue; undefined when nobody does. */
  beyond(topic: TopicHandle, queueId: number): number | undefined {
    const waiters = this.#byQueue.get(keyOf(topic, queueId))
    return waiters === undefined ? undefined : Math.min(...[...waiters].map(({ beyond }) => beyond))
  }

  /** As if every queue of the topic had something new. */
  removed(topic: TopicHandle): void {
    for (const [key, queue] of [...this.#byQueue]) {
      if (key.startsWith(`${topic} `)) for (const waiter of [...queue]) waiter.end()
    }
  }

  close(): void {
    for (const queue of [...this.#byQueue.values()]) for (const waiter of [...queue]) waiter.end(storeClosed())
  }

  #add(key: string, waiter: Waiter): void {
    const queue = this.#byQueue.get(key) ?? new Set()
    queue.add(waiter)
    this.#byQueue.set(key, queue)
    this.#onWaiting(true)
  }

  #remove(key: string, waiter: Waiter): void {
    const queue = this.#byQueue.get(key)
    queue?.delete(waiter)
    if (queue?.size === 0) this.#byQueue.delete(key)
    if (this.#byQueue.size === 0) this.#onWaiting(false)
  }
}
