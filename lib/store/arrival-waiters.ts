import { type StoreError, storeClosed } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'

type End = (error?: StoreError) => void

/** Who waits for new messages of which queue. Everyone who waits for a queue is told at once, and only once. */
export class ArrivalWaiters {
  /** Whether the owner already passes arrivals on. */
  isListening = false
  readonly #byQueue = new Map<string, Set<End>>()
  readonly #onWaiting: (isWaiting: boolean) => void

  /** @param onWaiting told when the first one waits, and when nobody does any more */
  constructor(onWaiting: (isWaiting: boolean) => void) {
    this.#onWaiting = onWaiting
  }

  /** Resolves at the queue's next arrival or when the signal aborts; rejects with `STORE_CLOSED` at the close. */
  wait(topic: TopicHandle, queueId: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    const key = `${topic} ${queueId}`
    return new Promise<void>((resolve, reject) => {
      const onAbort = () => end()
      const end: End = (error) => {
        signal?.removeEventListener('abort', onAbort)
        this.#remove(key, end)
        if (error === undefined) resolve()
        else reject(error)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#add(key, end)
    })
  }

  arrived(topic: TopicHandle, queueId: number): void {
    for (const end of [...(this.#byQueue.get(`${topic} ${queueId}`) ?? [])]) end()
  }

  /** As if every queue of the topic had something new. */
  removed(topic: TopicHandle): void {
    for (const [key, queue] of [...this.#byQueue]) {
      if (key.startsWith(`${topic} `)) for (const end of [...queue]) end()
    }
  }

  close(): void {
    for (const queue of [...this.#byQueue.values()]) for (const end of [...queue]) end(storeClosed())
  }

  #add(key: string, end: End): void {
    const queue = this.#byQueue.get(key) ?? new Set()
    queue.add(end)
    this.#byQueue.set(key, queue)
    this.#onWaiting(true)
  }

  #remove(key: string, end: End): void {
    const queue = this.#byQueue.get(key)
    queue?.delete(end)
    if (queue?.size === 0) this.#byQueue.delete(key)
    if (this.#byQueue.size === 0) this.#onWaiting(false)
  }
}
