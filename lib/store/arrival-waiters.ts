import { type StoreError, storeClosed } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'

interface Waiter {
  /** Queue offset that the queue's end must exceed. */
  readonly beyond: number
  readonly end: (error?: StoreError) => void
}

/**
 * Who waits for new messages of which queue. The store tells of one arrival for each queue, perhaps of one that somebody
 * else had asked for: whoever waits for more goes on waiting.
 */
export class ArrivalWaiters {
  /** Whether the owner already passes arrivals on. */
  isListening = false
  readonly #byTopic = new Map<TopicHandle, Map<number, Set<Waiter>>>()
  readonly #onWaiting: (isWaiting: boolean) => void

  /** @param onWaiting told when the first one waits, and when nobody does any more */
  constructor(onWaiting: (isWaiting: boolean) => void) {
    this.#onWaiting = onWaiting
  }

  /** Resolves when the queue's end exceeds `beyond` or the signal aborts; rejects with `STORE_CLOSED` at the close. */
  wait(topic: TopicHandle, queueId: number, beyond: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise<void>((resolve, reject) => {
      const onAbort = () => waiter.end()
      const end: Waiter['end'] = (error) => {
        signal?.removeEventListener('abort', onAbort)
        this.#remove(topic, queueId, waiter)
        if (error === undefined) resolve()
        else reject(error)
      }
      const waiter: Waiter = { beyond, end }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#add(topic, queueId, waiter)
    })
  }

  /** Whether anybody waits in the queue. Asked at every arrival, most of which are for others. */
  has(topic: TopicHandle, queueId: number): boolean {
    return this.#byTopic.get(topic)?.has(queueId) === true
  }

  /** The queue ends at `max` now. */
  arrived(topic: TopicHandle, queueId: number, max: number): void {
    for (const waiter of [...(this.#byTopic.get(topic)?.get(queueId) ?? [])]) if (max > waiter.beyond) waiter.end()
  }

  /** The least that somebody waits for in the queue; undefined when nobody does. */
  beyond(topic: TopicHandle, queueId: number): number | undefined {
    const waiters = this.#byTopic.get(topic)?.get(queueId)
    return waiters === undefined ? undefined : Math.min(...[...waiters].map(({ beyond }) => beyond))
  }

  /** As if every queue of the topic had something new. */
  removed(topic: TopicHandle): void {
    for (const queue of [...(this.#byTopic.get(topic)?.values() ?? [])]) for (const waiter of [...queue]) waiter.end()
  }

  close(): void {
    const queues = [...this.#byTopic.values()].flatMap((ofTopic) => [...ofTopic.values()])
    for (const queue of queues) for (const waiter of [...queue]) waiter.end(storeClosed())
  }

  #add(topic: TopicHandle, queueId: number, waiter: Waiter): void {
    const ofTopic = this.#byTopic.get(topic) ?? new Map<number, Set<Waiter>>()
    const queue = ofTopic.get(queueId) ?? new Set()
    queue.add(waiter)
    ofTopic.set(queueId, queue)
    this.#byTopic.set(topic, ofTopic)
    this.#onWaiting(true)
  }

  #remove(topic: TopicHandle, queueId: number, waiter: Waiter): void {
    const ofTopic = this.#byTopic.get(topic)
    const queue = ofTopic?.get(queueId)
    queue?.delete(waiter)
    if (queue?.size === 0) ofTopic?.delete(queueId)
    if (ofTopic?.size === 0) this.#byTopic.delete(topic)
    if (this.#byTopic.size === 0) this.#onWaiting(false)
  }
}
