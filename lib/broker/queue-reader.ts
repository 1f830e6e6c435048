import { isValidTopic } from '../protocol/names.ts'
import type { MessageStore, QueueEntry, TopicHandle } from '../store/message-store.ts'
import { PullResult } from '../store/pull-result.ts'
import { PullStatus } from '../store/status.ts'
import { MAX_QUEUES } from './topics/topic-table.ts'

/** First readable queue offset and the one behind the last. */
export interface QueueRange {
  readonly min: number
  readonly max: number
}

/** What handlers may ask of queues. Unknown queues are empty, as Java's are. */
export interface QueueReader {
  range(topic: string, queueId: number): QueueRange
  /** First offset stored at or after the time. */
  offsetByTime(topic: string, queueId: number, timestampMs: number): number
  /** Store time of one message, -1 when there is none. */
  storeTimeAt(topic: string, queueId: number, queueOffset: number): number
  /** Whether the queue still has its first message and that is among the newest bytes of the log. */
  startsInMemory(topic: string, queueId: number): boolean
}

/** Looks at queues as their files are. */
export interface QueueEntryReader {
  /** Entries from an offset on, at most 4,096; undefined when there is no such queue. */
  entries(topic: string, queueId: number, fromQueueOffset: number, count: number): readonly QueueEntry[] | undefined
}

type QueueStore = Pick<
  MessageStore,
  'topic' | 'bounds' | 'offsetByTime' | 'storeTimeAt' | 'pull' | 'queues' | 'queueEntries'
>

const EMPTY: QueueRange = { min: 0, max: 0 }
const NO_MESSAGE_TIME = -1
const PROBE_BYTES = 64 * 1024
const MAX_ENTRIES = 4096

/** A time a client sent, within what the store takes: clients say Long.MAX_VALUE for "until ever". */
export const storeTime = (timestampMs: number): number =>
  Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.trunc(timestampMs)))

/**
 * Reads queues of topics that the broker knows or had on disk when it started. Other names never reach the store, so
 * that clients cannot make it remember names.
 */
export class StoreQueues implements QueueReader, QueueEntryReader {
  readonly #store: QueueStore
  readonly #isTopic: (name: string) => boolean
  readonly #memoryWindowBytes: () => number
  readonly #onDisk: ReadonlySet<string>

  /** @param memoryWindowBytes how many of the log's newest bytes count as being in memory */
  constructor(store: QueueStore, isTopic: (name: string) => boolean, memoryWindowBytes: () => number) {
    this.#store = store
    this.#isTopic = isTopic
    this.#memoryWindowBytes = memoryWindowBytes
    this.#onDisk = new Set(store.queues().map(({ topic }) => topic))
  }

  range(topic: string, queueId: number): QueueRange {
    const handle = this.#handle(topic, queueId)
    return (handle === undefined ? undefined : this.#store.bounds(handle, queueId)) ?? EMPTY
  }

  offsetByTime(topic: string, queueId: number, timestampMs: number): number {
    const handle = this.#handle(topic, queueId)
    if (handle === undefined || this.#store.bounds(handle, queueId) === undefined) return 0
    return this.#store.offsetByTime(handle, queueId, storeTime(timestampMs))
  }

  storeTimeAt(topic: string, queueId: number, queueOffset: number): number {
    const handle = this.#handle(topic, queueId)
    if (handle === undefined || !Number.isSafeInteger(queueOffset) || queueOffset < 0) return NO_MESSAGE_TIME
    return this.#store.storeTimeAt(handle, queueId, queueOffset)
  }

  entries(topic: string, queueId: number, fromQueueOffset: number, count: number): readonly QueueEntry[] | undefined {
    const handle = this.#handle(topic, queueId)
    if (handle === undefined || this.#store.bounds(handle, queueId) === undefined) return undefined
    if (!Number.isSafeInteger(fromQueueOffset) || fromQueueOffset < 0 || count <= 0) return []
    return this.#store.queueEntries(handle, queueId, fromQueueOffset, Math.min(count, MAX_ENTRIES))
  }

  startsInMemory(topic: string, queueId: number): boolean {
    const handle = this.#handle(topic, queueId)
    if (handle === undefined || this.range(topic, queueId).min > 0) return handle === undefined
    const result = new PullResult()
    this.#probe(handle, queueId, PROBE_BYTES, result)
    if (result.neededBytes > 0) this.#probe(handle, queueId, result.neededBytes, result)
    return result.status !== PullStatus.FOUND || result.logBehindBytes <= this.#memoryWindowBytes()
  }

  #probe(handle: TopicHandle, queueId: number, sizeBytes: number, result: PullResult): void {
    this.#store.pull(handle, queueId, 0, 1, undefined, 1, Buffer.allocUnsafe(sizeBytes), 0, result)
  }

  #handle(topic: string, queueId: number): TopicHandle | undefined {
    // A table written by Java may hold names that its store never had: retry topics of groups with long names.
    if (queueId < 0 || queueId >= MAX_QUEUES || !isValidTopic(topic)) return undefined
    return this.#isTopic(topic) || this.#onDisk.has(topic) ? this.#store.topic(topic) : undefined
  }
}
