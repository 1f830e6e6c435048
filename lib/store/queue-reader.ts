import { setImmediate } from 'node:timers/promises'
import { javaStringHash } from '../protocol/java-string-hash.ts'
import { decodeMessage, type LogMessage } from './log-message.ts'
import type { MessageStore } from './message-store.ts'
import { PullResult } from './pull-result.ts'
import { PullStatus } from './status.ts'
import { StoreError } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'

const smallestChunk = 262_144
/** Memory over this is given back after the read that needed it. */
const largestKeptBytes = 8 << 20
const scanCount = 1024
/** How many unreadable entries a search by time looks behind for one that tells the time. */
const holeEntries = 64

/** One queue of an open store, and what is wanted of it. */
export interface QueueSelection {
  readonly topic: TopicHandle
  readonly queueId: number
  /** Tags to pass; undefined passes all. */
  readonly tags: readonly string[] | undefined
}

/** Messages of a queue, and where the queue stands. */
export interface ReadResult {
  /** In the queue's order. Empty only when nothing that passes is left up to `endOffset`. */
  readonly messages: readonly LogMessage[]
  /** Queue offset to go on at. */
  readonly nextOffset: number
  /** First queue offset that can still be read. */
  readonly minOffset: number
  /** Queue offset behind the newest message. */
  readonly endOffset: number
}

/** What one pull gave: `isEnd` when nothing more is there now. */
interface Chunk extends ReadResult {
  readonly isEnd: boolean
}

const isClosed = (error: unknown): boolean => error instanceof StoreError && error.code === 'STORE_CLOSED'

/** Reads queues of one store in decoded messages. One memory for all reads: every chunk is copied out of it at once. */
export class QueueReader {
  readonly #store: MessageStore
  readonly #endToSee: () => number
  /** How often a topic was removed; absent: never. */
  readonly #removals = new Map<TopicHandle, number>()
  readonly #result = new PullResult()
  #chunk = Buffer.allocUnsafeSlow(smallestChunk)

  /** @param endToSee end of what a read that starts now has to see, a physical offset */
  constructor(store: MessageStore, endToSee: () => number) {
    this.#store = store
    this.#endToSee = endToSee
  }

  /** Waits until everything can be read that a read which starts now has to see. */
  async settle(): Promise<void> {
    const end = this.#endToSee()
    if (this.#store.watermarks.dispatched >= end) return
    try {
      await this.#store.whenDispatched(end)
    } catch (error) {
      // A store that failed still gives what it has.
      if (isClosed(error)) throw error
    }
  }

  async read(queue: QueueSelection, from: number, maxCount: number, maxBytes: number): Promise<ReadResult> {
    await this.settle()
    for (let at = from; ; await setImmediate()) {
      const chunk = await this.#next(queue, at, maxCount, maxBytes)
      const { messages, nextOffset, minOffset, endOffset } = chunk
      if (messages.length > 0 || chunk.isEnd) return { messages, nextOffset, minOffset, endOffset }
      at = nextOffset
    }
  }

  /** From `from` to `to`, both defaulting to the queue's bounds when it starts. Throws `STORE_CLOSED` when cut short. */
  async *scan(queue: QueueSelection, from: number | undefined, to: number | undefined, maxBytes: number) {
    await this.settle()
    const bounds = this.#store.bounds(queue.topic, queue.queueId) ?? { min: 0, max: 0 }
    const end = Math.min(to ?? bounds.max, bounds.max)
    for (let at = Math.max(from ?? bounds.min, bounds.min); at < end; ) {
      const chunk = await this.#next(queue, at, Math.min(scanCount, end - at), maxBytes)
      for (const message of chunk.messages) {
        if (message.queueOffset >= end) return
        yield message
      }
      if (chunk.isEnd) return
      at = chunk.nextOffset
      await setImmediate()
    }
  }

  /** Everything from `from` on and what comes; without `from` what is appended after this call. */
  tail(queue: QueueSelection, from: number | undefined, signal: AbortSignal | undefined, maxBytes: number) {
    if (from !== undefined) return this.#follow(queue, from, 0, signal, maxBytes)
    // Messages that are in the log already but not in their queue yet are no new ones.
    const start = this.#store.bounds(queue.topic, queue.queueId)?.max ?? 0
    return this.#follow(queue, start, this.#store.watermarks.appended, signal, maxBytes)
  }

  /** The queues of the topic were removed: its tails begin again at the first message of those to come. */
  topicRemoved(topic: TopicHandle): void {
    this.#removals.set(topic, this.#removalsOf(topic) + 1)
  }

  #removalsOf(topic: TopicHandle): number {
    return this.#removals.get(topic) ?? 0
  }

  /** First offset whose message was stored at or after the time; the end when all are older. */
  async offsetAt(queue: QueueSelection, timestampMs: number): Promise<number> {
    await this.settle()
    const bounds = this.#store.bounds(queue.topic, queue.queueId)
    if (bounds === undefined) return 0
    let low = bounds.min
    let high = bounds.max
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      await this.#store.storeTimesAhead(queue.topic, Float64Array.of(queue.queueId, middle))
      if (this.#timeAtOrBehind(queue, middle, high) >= timestampMs) high = middle
      else low = middle + 1
    }
    return low
  }

  async *#follow(
    queue: QueueSelection,
    from: number,
    fromPhysicalOffset: number,
    signal: AbortSignal | undefined,
    maxBytes: number,
  ) {
    let removals = this.#removalsOf(queue.topic)
    try {
      for (let at = from; !signal?.aborted; ) {
        if (this.#removalsOf(queue.topic) !== removals) {
          removals = this.#removalsOf(queue.topic)
          at = 0
        }
        const chunk = await this.#next(queue, at, scanCount, maxBytes)
        if (this.#removalsOf(queue.topic) !== removals) continue
        for (const message of chunk.messages) {
          if (signal?.aborted) return
          if (message.physicalOffset >= fromPhysicalOffset) yield message
        }
        at = chunk.nextOffset
        if (this.#removalsOf(queue.topic) !== removals) continue
        if (chunk.isEnd) await this.#store.whenArrived(queue.topic, queue.queueId, at, signal)
        else await setImmediate()
      }
    } catch (error) {
      if (!isClosed(error)) throw error
    }
  }

  /** One chunk of the queue. What is on disk only is read by a thread of the store's first. */
  async #next(queue: QueueSelection, from: number, maxCount: number, maxBytes: number): Promise<Chunk> {
    const tagCodes = queue.tags === undefined ? undefined : Int32Array.from(queue.tags, javaStringHash)
    const pull = (mayWaitForDisk: boolean) => this.#pull(queue, from, maxCount, tagCodes, maxBytes, mayWaitForDisk)
    const chunk = pull(false)
    if (chunk !== undefined) return chunk
    await this.#store.readAhead(queue.topic, queue.queueId, from, maxCount, tagCodes, maxBytes)
    return pull(true)!
  }

  /** Undefined when it would have to wait for the disk and may not. */
  #pull(
    queue: QueueSelection,
    from: number,
    maxCount: number,
    tagCodes: Int32Array | undefined,
    maxBytes: number,
    mayWait: boolean,
  ): Chunk | undefined {
    if (maxBytes > this.#chunk.length) this.#chunk = Buffer.allocUnsafeSlow(maxBytes)
    const result = this.#result
    const { topic, queueId } = queue
    const pull = () =>
      this.#store.pull(topic, queueId, from, maxCount, tagCodes, maxBytes, this.#chunk, 0, result, mayWait)
    pull()
    if (result.status === PullStatus.FOUND && result.count === 0 && result.neededBytes > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(result.neededBytes)
      pull()
    }
    if (result.status === PullStatus.NOT_IN_MEMORY) return undefined
    const messages = result.status === PullStatus.FOUND ? this.#decode(queue.tags) : []
    if (this.#chunk.length > largestKeptBytes) this.#chunk = Buffer.allocUnsafeSlow(smallestChunk)
    const isEnd = from >= result.maxOffset
    const nextOffset = isEnd ? from : Math.max(result.nextBeginOffset, from + 1)
    return { messages, nextOffset, minOffset: result.minOffset, endOffset: result.maxOffset, isEnd }
  }

  #decode(tags: readonly string[] | undefined): LogMessage[] {
    const messages: LogMessage[] = []
    for (let at = 0; at < this.#result.sizeBytes; ) {
      const message = decodeMessage(this.#chunk, at, this.#result.sizeBytes, true)
      at += message.sizeBytes
      // The queue knows tags by hash only.
      if (tags === undefined || (message.tag !== undefined && tags.includes(message.tag))) messages.push(message)
    }
    return messages
  }

  /** Store time of the message at `offset`, or of the next one that has one; before all times when none nearby has. */
  #timeAtOrBehind(queue: QueueSelection, offset: number, end: number): number {
    for (let at = offset; at < Math.min(end, offset + holeEntries); at++) {
      const timeMs = this.#store.storeTimeAt(queue.topic, queue.queueId, at)
      if (timeMs >= 0) return timeMs
    }
    return -1
  }
}
