// Everything a store can do at once, for some seconds, in several lives of one directory; then nothing that was
// acknowledged and not deleted may be missing, twice, out of order or altered. APOGEE_SOAK_SEED repeats a run as far as
// threads allow, APOGEE_SOAK_MS makes it longer.
import { deepEqual, equal, fail, ok } from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  AppendBatch,
  AppendStatus,
  type MessageStore,
  openMessageStore,
  PullResult,
  PullStatus,
  type StoreOptions,
  type TopicHandle,
} from '../../lib/store/index.ts'
import { verifyStore } from '../../lib/store/inspect/index.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  bodyOf,
  checkRecord,
  keyOf,
  type ModelQueue,
  ModelTopic,
  queueOffsetOf,
  seededRandom,
} from './support/soak-model.ts'
import { addRow, smallStore, splitRecords, temporaryDirectory } from './support/store-fixture.ts'

const TOPICS = 4
const QUEUES = 3
const LIFE_MS = Number(process.env.APOGEE_SOAK_MS ?? 9_000) / 6
const MOST_BYTES_PER_LIFE = 64 << 20
const MOST_ROWS = 40
const MOST_BEHIND_BYTES = 6 << 20
const KEPT_BYTES = 2 << 20
const LEASES = 12

const lives: readonly Partial<StoreOptions>[] = [
  { writePath: 'mapped' },
  { writePath: 'staged', flush: { mode: 'sync' } },
  { writePath: 'pool', flush: { mode: 'async', commitIntervalMs: 5 } },
  { writePath: 'staged', flush: { mode: 'async', commitIntervalMs: 5 } },
  { writePath: 'mapped', flush: { mode: 'sync' } },
  { writePath: 'staged', flush: { mode: 'sync' }, dispatchDurableOnly: false },
]

interface Lease {
  readonly queue: ModelQueue
  readonly queueOffset: number
  readonly bytes: ArrayBuffer
}

/** One opening of the store, under load until its time is over. */
class Life {
  readonly #store: MessageStore
  readonly #topics: readonly ModelTopic[]
  readonly #random: () => number
  readonly #over = new AbortController()
  readonly #into = Buffer.alloc(1 << 20)
  readonly #result = new PullResult()
  readonly #leases: Lease[] = []
  readonly done = { messages: 0, pulled: 0, removals: 0, segments: 0, leases: 0, queries: 0, readAhead: 0 }

  constructor(store: MessageStore, topics: readonly ModelTopic[], random: () => number) {
    this.#store = store
    this.#topics = topics
    this.#random = random
    store.setReadLimits({ memoryWindowBytes: 1 << 20, maxCountOnDisk: 8, maxBytesOnDisk: 65_536 })
  }

  /** Everything at once, then every queue to its end. */
  async run(): Promise<void> {
    const timer = setTimeout(() => this.#over.abort(), LIFE_MS)
    const loops = [
      this.#write(),
      this.#follow(),
      this.#tail(),
      this.#loop(0.2, () => this.#readCold()),
      this.#loop(0.3, () => this.#lease()),
      this.#loop(0.3, () => this.#query()),
      this.#loop(0.02, () => this.#removeTopic()),
      this.#loop(0.05, () => this.#truncate()),
    ]
    try {
      await Promise.all(loops)
    } finally {
      clearTimeout(timer)
      this.#over.abort()
      await Promise.allSettled(loops)
    }
    await this.#store.whenDispatched(this.#store.watermarks.appended)
    await this.checkAll()
  }

  /** What is held stays right behind the end of its segment, and of the store. */
  releaseLeases(): void {
    while (this.#leases.length > 0) this.#release()
  }

  /** Reads every queue from its first message that is not deleted to its end. */
  async checkAll(): Promise<void> {
    for (const queue of this.#topics.flatMap(({ queues }) => queues)) {
      const { topic, queueId, physicalOffsets } = queue
      const bounds = this.#store.bounds(this.#handle(topic), queueId)
      equal(bounds?.max ?? 0, physicalOffsets.length, `the end of ${topic.name}:${queueId}`)
      const first = this.#firstKept(queue, 0)
      ok(
        first === physicalOffsets.length || bounds!.min <= first,
        `${keyOf(queue, first)} is kept and not in its queue`,
      )
      const cursor = { value: first }
      while (cursor.value < physicalOffsets.length) await this.#pull(queue, cursor)
    }
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted
  }

  #handle(topic: ModelTopic): TopicHandle {
    return this.#store.topic(topic.name)
  }

  #upTo(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #anyQueue(): ModelQueue {
    const topic = this.#topics[this.#upTo(TOPICS)]!
    return topic.queues[this.#upTo(QUEUES)]!
  }

  /** Does something with some probability at each turn of the event loop. */
  async #loop(probability: number, act: () => unknown): Promise<void> {
    while (!this.#isOver) {
      if (this.#random() < probability) await act()
      await turn()
    }
  }

  async #write(): Promise<void> {
    const store = this.#store
    const batch = new AppendBatch(MOST_ROWS)
    const start = store.watermarks.appended
    while (!this.#isOver && store.watermarks.appended - start < MOST_BYTES_PER_LIFE) {
      await turn()
      const rows = this.#fill(batch)
      store.append(batch)
      for (const [row, { queue, queueOffset }] of rows.entries()) this.#note(batch, row, queue, queueOffset)
      this.done.messages += batch.count
      const { appended, dispatched } = store.watermarks
      if (store.flushMode === 'sync' || this.#random() < 0.02) await store.whenFlushed(appended)
      if (appended - dispatched > MOST_BEHIND_BYTES) await store.whenDispatched(appended)
    }
  }

  #fill(batch: AppendBatch): { queue: ModelQueue; queueOffset: number }[] {
    batch.clear()
    const counts = new Map<ModelQueue, number>()
    return Array.from({ length: 1 + this.#upTo(MOST_ROWS) }, () => {
      const queue = this.#anyQueue()
      const queueOffset = queue.physicalOffsets.length + (counts.get(queue) ?? 0)
      counts.set(queue, queueOffset + 1 - queue.physicalOffsets.length)
      const fields = { queueId: queue.queueId, keys: keyOf(queue, queueOffset) }
      addRow(batch, this.#handle(queue.topic), bodyOf(queue, queueOffset), fields)
      return { queue, queueOffset }
    })
  }

  #note(batch: AppendBatch, row: number, queue: ModelQueue, queueOffset: number): void {
    equal(batch.status(row), AppendStatus.OK)
    equal(batch.queueOffset(row), queueOffset, `the queue offset given to ${keyOf(queue, queueOffset)}`)
    equal(queue.physicalOffsets.push(batch.physicalOffset(row)), queueOffset + 1)
  }

  /** Reads all queues beside the writer, each message once. */
  async #follow(): Promise<void> {
    while (!this.#isOver) {
      for (const topic of this.#topics) {
        for (const queue of topic.queues) {
          if (topic.isBeingRemoved || queue.life !== topic.life) break
          const cursor = {
            get value() {
              return queue.cursor
            },
            set value(offset: number) {
              queue.cursor = offset
            },
          }
          await this.#pull(queue, cursor)
        }
      }
      await turn()
    }
  }

  /** The first message at or behind `from` that the log still has. */
  #firstKept({ physicalOffsets }: ModelQueue, from: number): number {
    const min = this.#store.minPhysicalOffset
    let at = from
    while (at < physicalOffsets.length && physicalOffsets[at]! < min) at += 1
    return at
  }

  /** A pull goes around messages whose segment was deleted just now. */
  #passDeleted(queue: ModelQueue, cursor: { value: number }, found: number): void {
    if (found <= cursor.value) return
    ok(this.#firstKept(queue, cursor.value) >= found, `${keyOf(queue, cursor.value)} is kept and was passed over`)
    cursor.value = found
  }

  /** One pull from the cursor, which moves behind what was found. What is passed over must have been deleted. */
  async #pull(queue: ModelQueue, cursor: { value: number }): Promise<void> {
    const [store, result, into] = [this.#store, this.#result, this.#into]
    const handle = this.#handle(queue.topic)
    const mayWait = this.#random() < 0.5
    store.pull(handle, queue.queueId, cursor.value, 64, undefined, 262_144, into, 0, result, mayWait)
    const { status, count } = result
    if (status === PullStatus.FOUND) {
      for (const record of splitRecords(into.subarray(0, result.sizeBytes))) {
        this.#passDeleted(queue, cursor, queueOffsetOf(record))
        checkRecord(record, queue, cursor.value++)
      }
      this.done.pulled += count
    } else if (status === PullStatus.NOT_IN_MEMORY) {
      await store.readAhead(handle, queue.queueId, cursor.value, 64, undefined, 262_144)
      this.done.readAhead += 1
    } else if (status === PullStatus.OFFSET_TOO_SMALL || status === PullStatus.MESSAGE_WAS_REMOVING) {
      const kept = this.#firstKept(queue, cursor.value)
      ok(kept > cursor.value, `${keyOf(queue, cursor.value)} is kept and answers ${status}`)
      cursor.value = kept
    } else if (
      status !== PullStatus.OFFSET_OVERFLOW_ONE &&
      status !== PullStatus.NO_MESSAGE_IN_QUEUE &&
      status !== PullStatus.NO_MATCHED_QUEUE
    ) {
      fail(`a pull of ${keyOf(queue, cursor.value)} answers ${status}`)
    }
  }

  /** Waits for the next message of a queue, whichever comes first: that or the end of the topic's life. */
  async #tail(): Promise<void> {
    while (!this.#isOver) {
      const { topic, queueId, physicalOffsets, life } = this.#anyQueue()
      const beyond = physicalOffsets.length
      const signal = AbortSignal.any([this.#over.signal, topic.end.signal])
      if (topic.isBeingRemoved) {
        await turn()
        continue
      }
      await this.#store.whenArrived(this.#handle(topic), queueId, beyond, signal)
      if (signal.aborted || topic.life !== life || topic.isBeingRemoved) continue
      ok(this.#store.bounds(this.#handle(topic), queueId)!.max > beyond, `${topic.name}:${queueId} has got nothing`)
    }
  }

  /** A random message that can be read, if the first choice is one. */
  #anyMessage(): { queue: ModelQueue; queueOffset: number; physicalOffset: number } | undefined {
    const queue = this.#anyQueue()
    const queueOffset = this.#upTo(queue.physicalOffsets.length)
    const physicalOffset = queue.physicalOffsets[queueOffset] ?? -1
    const { watermarks, minPhysicalOffset } = this.#store
    if (physicalOffset < minPhysicalOffset || physicalOffset >= watermarks.dispatched) return undefined
    return { queue, queueOffset, physicalOffset }
  }

  async #readCold(): Promise<void> {
    const message = this.#anyMessage()
    if (message === undefined) return
    const { queue, queueOffset, physicalOffset } = message
    if (this.#random() < 0.3) {
      await this.#store.readAhead(this.#handle(queue.topic), queue.queueId, queueOffset, 64, undefined, 262_144)
      this.done.readAhead += 1
    }
    await this.#store.readRecordAhead(physicalOffset)
    const record = this.#store.readRecord(physicalOffset)
    if (record === undefined) ok(physicalOffset < this.#store.minPhysicalOffset, `${keyOf(queue, queueOffset)} is lost`)
    else checkRecord(record, queue, queueOffset)
  }

  #lease(): void {
    if (this.#leases.length >= LEASES) this.#release()
    const message = this.#anyMessage()
    if (message === undefined) return
    const { queue, queueOffset, physicalOffset } = message
    const bytes = this.#store.leaseRecord(physicalOffset)
    if (bytes === undefined) {
      ok(physicalOffset < this.#store.minPhysicalOffset, `${keyOf(queue, queueOffset)} cannot be leased`)
      return
    }
    this.done.leases += 1
    this.#leases.push({ queue, queueOffset, bytes })
  }

  #release(): void {
    const { queue, queueOffset, bytes } = this.#leases.shift()!
    checkRecord(Buffer.from(bytes), queue, queueOffset)
    this.#store.detach(bytes)
  }

  async #query(): Promise<void> {
    const message = this.#anyMessage()
    if (message === undefined) return
    const { queue, queueOffset, physicalOffset } = message
    const key = keyOf(queue, queueOffset)
    const ask = [queue.topic.name, key, 32, 0, Number.MAX_SAFE_INTEGER] as const
    if (this.#random() < 0.2) await this.#store.queryAhead(...ask)
    const { physicalOffsets } = this.#store.queryByKey(...ask)
    this.done.queries += 1
    if (physicalOffset < this.#store.minPhysicalOffset) return
    ok(physicalOffsets.includes(physicalOffset), `${key} is not found by its key`)
  }

  async #removeTopic(): Promise<void> {
    const topic = this.#topics[this.#upTo(TOPICS)]!
    topic.isBeingRemoved = true
    const removed = this.#store.removeTopic(topic.name)
    topic.beginLife()
    await removed
    topic.isBeingRemoved = false
    this.done.removals += 1
  }

  async #truncate(): Promise<void> {
    const { appended } = this.#store.watermarks
    if (appended - this.#store.minPhysicalOffset < 2 * KEPT_BYTES) return
    const isByAge = this.#random() < 0.3
    this.done.segments += await (isByAge
      ? this.#store.deleteExpiredNow()
      : this.#store.truncateBefore(appended - KEPT_BYTES))
  }
}

/** What of a directory this process still has: open files and mappings. */
const heldOf = (directory: string): string[] => {
  if (!existsSync('/proc/self/maps')) return []
  const linkOf = (descriptor: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`)
    } catch {
      return '' // the one that was listing
    }
  }
  const files = readdirSync('/proc/self/fd').map(linkOf)
  return [...files, ...readFileSync('/proc/self/maps', 'utf8').split('\n')].filter((line) => line.includes(directory))
}

const soak = async (t: TestContext, seed: number): Promise<void> => {
  const random = seededRandom(seed)
  const directory = await temporaryDirectory(t)
  const topics = Array.from({ length: TOPICS }, (_, number) => new ModelTopic(`Soak${number}`, QUEUES))
  const retention = { reservedMs: 700, deleteHours: [], deleteSegmentIntervalMs: 0, destroyPinnedAfterMs: 100 }
  for (const more of lives) {
    const options = smallStore(directory, { ...more, consumeQueueFileBytes: 4_000, retention })
    const store = await openMessageStore({ ...options, consumeQueueFlushIntervalMs: 50 })
    const life = new Life(store, topics, random)
    try {
      ok(store.recovery.wasClean)
      equal(store.recovery.addedQueueEntries, 0)
      deepEqual(store.recovery.notes, [])
      await life.checkAll()
      await life.run()
    } finally {
      await store.close()
    }
    equal(store.failure, undefined)
    life.releaseLeases()
    // Node ends a detached lease at a later turn of the event loop.
    await waitFor('the end of leases', () => heldOf(directory).length === 0).catch(() => undefined)
    deepEqual(heldOf(directory), [])
    t.diagnostic(`${more.writePath} ${more.flush?.mode ?? 'async'}: ${JSON.stringify(life.done)}`)
  }
  const report = verifyStore(directory)
  deepEqual(
    report.findings.filter(({ severity }) => severity !== 'note'),
    [],
  )
}

const seed = Number(process.env.APOGEE_SOAK_SEED ?? randomInt(2 ** 31))

test('a store under everything at once loses, repeats, reorders and alters nothing', async (t) => {
  await soak(t, seed).catch((cause: unknown) => {
    throw new Error(`the soak with APOGEE_SOAK_SEED=${seed} failed: ${String(cause)}`, { cause })
  })
})
