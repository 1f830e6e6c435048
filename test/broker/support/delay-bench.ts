import type { TestContext } from 'node:test'
import type { Clock } from '../../../lib/base/clock.ts'
import { silentLogger } from '../../../lib/base/logging.ts'
import { ThrottledLog } from '../../../lib/base/throttled-log.ts'
import type { BrokerConfig } from '../../../lib/broker/config/broker-config.ts'
import { delayDetour } from '../../../lib/broker/delay/delay-detour.ts'
import { DelayOffsets } from '../../../lib/broker/delay/delay-offsets.ts'
import { DelayedQueue, type DeliveryParts } from '../../../lib/broker/delay/delayed-queue.ts'
import { DurabilityGate } from '../../../lib/broker/durability.ts'
import { MessageWriter, type Written } from '../../../lib/broker/messages/message-writer.ts'
import { StoredMessages } from '../../../lib/broker/messages/stored-messages.ts'
import { hostAddress } from '../../../lib/protocol/host-address.ts'
import { type MessageStore, openMessageStore, type QueueEntry, type StoreOptions } from '../../../lib/store/index.ts'
import { smallStore } from '../../store/support/store-fixture.ts'
import { atEnd, testConfig, testFolder } from './fixtures.ts'

/** A clock that tests set; it has no timers: they take each turn and write each file by themselves. */
export class SetClock implements Clock {
  wallMs = 1_700_000_000_000
  elapsedMs = 0

  nowMs(): number {
    return this.wallMs
  }

  monotonicMs(): number {
    return this.elapsedMs
  }

  after() {
    return { cancel: () => undefined }
  }

  every() {
    return { cancel: () => undefined }
  }

  /** Time goes by. */
  advance(byMs: number): void {
    this.wallMs += byMs
    this.elapsedMs += byMs
  }
}

/** Delay levels on a real store, without the timers around them. Stores messages at the time of its own clock. */
export class DelayBench {
  readonly clock = new SetClock()
  readonly config: BrokerConfig
  readonly levelsMs: readonly number[]
  readonly #options: StoreOptions
  readonly #wrapWriter: (writer: MessageWriter) => Pick<MessageWriter, 'write'>
  /** By physical offset of the delayed record. */
  readonly #dueMs = new Map<number, number>()
  store!: MessageStore
  offsets!: DelayOffsets
  queues: DelayedQueue[] = []
  /** Bodies of delayed messages that cannot be read. */
  readonly unreadable = new Set<string>()
  #sender!: MessageWriter
  #parts!: DeliveryParts

  private constructor(
    folder: string,
    levels: string,
    options: Partial<StoreOptions>,
    wrapWriter: (writer: MessageWriter) => Pick<MessageWriter, 'write'>,
  ) {
    this.config = testConfig(folder, { messageDelayLevel: levels })
    this.levelsMs = this.config.current.delay.levelsMs
    this.#options = smallStore(folder, { ...options, delayLevelsMs: this.levelsMs })
    this.#wrapWriter = wrapWriter
  }

  static async start(
    t: TestContext,
    options: {
      readonly levels?: string
      readonly store?: Partial<StoreOptions>
      readonly wrapWriter?: (writer: MessageWriter) => Pick<MessageWriter, 'write'>
    } = {},
  ): Promise<DelayBench> {
    const { levels = '1s 5s', store = {}, wrapWriter = (writer) => writer } = options
    const bench = new DelayBench(await testFolder(t), levels, store, wrapWriter)
    await bench.#open()
    atEnd(t, () => bench.store.close())
    return bench
  }

  /** A message to queue 0 of T. Resolves when it can be delivered. */
  async send(body: string, level: number, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const written = this.#write(body, 'T', 0, { DELAY: String(level), ...more })
    const delayMs = this.levelsMs[Math.min(level, this.levelsMs.length) - 1] ?? 0
    this.#dueMs.set(written.physicalOffset, this.clock.nowMs() + delayMs)
    await this.store.whenDispatched(written.endOffset)
  }

  /** Many at once. Resolves when they can be delivered. */
  async sendMany(bodies: readonly string[], level: number): Promise<void> {
    const dueMs = this.clock.nowMs() + this.levelsMs[level - 1]!
    for (const body of bodies) {
      this.#dueMs.set(this.#write(body, 'T', 0, { DELAY: String(level) }).physicalOffset, dueMs)
    }
    await this.store.whenDispatched(this.store.watermarks.appended)
  }

  /** A record as it is. */
  async sendRaw(topic: string, queueId: number, properties: Readonly<Record<string, string>>): Promise<void> {
    const { endOffset } = this.#write('raw', topic, queueId, properties)
    await this.store.whenDispatched(endOffset)
  }

  /** A level as it is delivered with another delay, or none. */
  queueOf(level: number, delayMs: number | undefined): DelayedQueue {
    return new DelayedQueue(level, delayMs, this.#parts)
  }

  #write(body: string, topic: string, queueId: number, properties: Readonly<Record<string, string>>): Written {
    return this.#sender.write({
      topic,
      queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestampMs: 1,
      bornHost: hostAddress('10.0.0.7', 40_000),
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(body),
      properties: new Map(Object.entries(properties)),
    })
  }

  /** Turns of one level until nothing is due. Gives how many. */
  async drain(level: number): Promise<number> {
    let turns = 1
    while ((await this.queues[level - 1]!.turn()) === 0) turns += 1
    return turns
  }

  async drainAll(): Promise<void> {
    for (let level = 1; level <= this.queues.length; level++) await this.drain(level)
  }

  /** Bodies in queue 0 of T. */
  async delivered(): Promise<string[]> {
    return (await this.records()).map(({ body }) => body.toString())
  }

  async records(topic = 'T', queueId = 0) {
    await this.store.whenDispatched(this.store.watermarks.appended)
    const messages = new StoredMessages(this.store)
    const all = []
    for (let from = 0, max = 1; from < max; ) {
      const found = await messages.ofQueue(topic, queueId, from, 1000)
      all.push(...found.messages)
      from = found.nextOffset
      max = found.maxOffset
    }
    return all
  }

  /** The store is closed and opened again; what was not written to delayOffset.json is forgotten. */
  async crash(): Promise<void> {
    await this.store.close()
    await this.#open()
  }

  async #open(): Promise<void> {
    this.store = await openMessageStore(this.#options)
    const { clock, config } = this
    const gate = new DurabilityGate(this.store, clock, 5000)
    this.offsets = await DelayOffsets.load({ config, clock, logger: silentLogger, store: this.store })
    this.#sender = new MessageWriter(this.store, gate, [delayDetour(this.levelsMs.length)])
    const messages = new StoredMessages(this.store)
    this.#parts = {
      ...{ store: this.#atOwnTime(), offsets: this.offsets, clock },
      messages: {
        ofQueue: async (...queue) => {
          const found = await messages.ofQueue(...queue)
          return { ...found, messages: found.messages.filter(({ body }) => !this.unreadable.has(body.toString())) }
        },
        at: async (physicalOffset) => {
          const record = await messages.at(physicalOffset)
          return record !== undefined && this.unreadable.has(record.body.toString()) ? undefined : record
        },
      },
      writer: this.#wrapWriter(new MessageWriter(this.store, gate, [])),
      log: new ThrottledLog(clock, silentLogger),
    }
    this.queues = this.levelsMs.map((delayMs, index) => this.queueOf(index + 1, delayMs))
  }

  /** The store's own due times come from the machine's clock. */
  #atOwnTime(): DeliveryParts['store'] {
    const bench = this
    const ownTime = (entry: QueueEntry): QueueEntry => {
      const dueMs = bench.#dueMs.get(entry.physicalOffset)
      return dueMs === undefined ? entry : { ...entry, tagsCode: BigInt(dueMs) }
    }
    return {
      get minPhysicalOffset() {
        return bench.store.minPhysicalOffset
      },
      topic: (name) => bench.store.topic(name),
      bounds: (topic, queueId) => bench.store.bounds(topic, queueId),
      storeTimeAt: (topic, queueId, queueOffset) => bench.store.storeTimeAt(topic, queueId, queueOffset),
      queueEntries: (topic, queueId, from, count) => bench.store.queueEntries(topic, queueId, from, count).map(ownTime),
    }
  }
}
