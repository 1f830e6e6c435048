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

/** Where a message of a topic stands. */
export interface QueuePlace {
  readonly queueId: number
  readonly queueOffset: number
}

/** What handlers may ask of queues. Unknown queues are empty, as Java's are. */
export interface QueueReader {
  range(topic: string, queueId: number): QueueRange
  /** First offset stored at or after the time. Cold pages are read on a thread of the store's. */
  offsetByTime(topic: string, queueId: number, timestampMs: number): Promise<number>
  /** Store times of messages of a topic, -1 where there is none. Cold pages as above. */
  storeTimes(topic: string, places: readonly QueuePlace[]): Promise<number[]>
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
  | 'topic'
  | 'bounds'
  | 'offsetByTime'
  | 'offsetByTimeAhead'
  | 'storeTimeAt'
  | 'storeTimesAhead'
  | 'pull'
  | 'queues'
  | 'queueEntries'
>

const EMPTY: QueueRange = { min: 0, max: 0 }
const NO_MESSAGE_TIME = -1
const PROBE_BYTES = 64 * 1024
const MAX_ENTRIES = 4096
/** A close of the store waits for a read. */
const PLACES_PER_READ = 1024

const isQueueId = (queueId: number): boolean => queueId >= 0 && queueId < MAX_QUEUES

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

  async offsetByTime(topic: string, queueId: number, timestampMs: number): Promise<number> {
    const handle = this.#handle(topic, queueId)
    if (handle === undefined || this.#store.bounds(handle, queueId) === undefined) return 0
    const timeMs = storeTime(timestampMs)
    await this.#store.offsetByTimeAhead(handle, queueId, timeMs)
    return this.#store.offsetByTime(handle, queueId, timeMs)
  }

  async storeTimes(topic: string, places: readonly QueuePlace[]): Promise<number[]> {
    const handle = this.#handle(topic)
    const isPlace = ({ queueId, queueOffset }: QueuePlace): boolean =>
      isQueueId(queueId) && Number.isSafeInteger(queueOffset) && queueOffset >= 0
    if (handle === undefined || !places.some(isPlace)) return places.map(() => NO_MESSAGE_TIME)
    const asked = places.filter(isPlace).flatMap(({ queueId, queueOffset }) => [queueId, queueOffset])
    for (let at = 0; at < asked.length; at += PLACES_PER_READ * 2) {
      await this.#store.storeTimesAhead(handle, Float64Array.from(asked.slice(at, at + PLACES_PER_READ * 2)))
    }
    return places.map((place) =>
      isPlace(place) ? this.#store.storeTimeAt(handle, place.queueId, place.queueOffset) : NO_MESSAGE_TIME,
    )
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

  #handle(topic: string, queueId = 0): TopicHandle | undefined {
    // A table written by Java may hold names that its store never had: retry topics of groups with long names.
    if (!isQueueId(queueId) || !isValidTopic(topic)) return undefined
    return this.#isTopic(topic) || this.#onDisk.has(topic) ? this.#store.topic(topic) : undefined
  }
}
