import type { Clock } from '../../base/clock.ts'
import type { ThrottledLog } from '../../base/throttled-log.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { isValidTopic, SystemTopic } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import type { MessageStore, QueueEntry } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'
import type { MessageWriter, Written } from '../messages/message-writer.ts'
import { type NewMessage, newMessageOf } from '../messages/new-message.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import { queueOfLevel } from './delay-detour.ts'
import type { DelayOffsets } from './delay-offsets.ts'

/** What delivery of delayed messages needs. */
export interface DeliveryParts {
  readonly store: Pick<MessageStore, 'topic' | 'bounds' | 'queueEntries' | 'storeTimeAt' | 'minPhysicalOffset'>
  readonly messages: Pick<StoredMessages, 'ofQueue' | 'at'>
  /** One without detours: what is delivered keeps the property DELAY, as in Java's records, and is not delayed again. */
  readonly writer: Pick<MessageWriter, 'write'>
  readonly offsets: DelayOffsets
  readonly clock: Clock
  readonly log: ThrottledLog
  /** Told of each message delivered; `sizeBytes` is what its record takes. */
  readonly delivered?: (topic: string, level: number, sizeBytes: number) => void
}

/** Messages of one turn; the others of the broker have the event loop in between. */
const TURN_MESSAGES = 32
/** A queue is looked at so often at least, so that a clock set forward is noticed. */
const MAX_WAIT_MS = 1000
const MIN_WAIT_MS = 1
/** What comes into an empty queue is not due earlier than after the level's delay. */
const MIN_IDLE_MS = 20
/** Due times that are too late by less are no reason for a warning. */
const UNTOLD_CORRECTION_MS = 100
const REFUSED_WAIT_MS = 100
const BUSY_WAIT_MS = 10
const UNREADABLE_WAIT_MS = 1000
/** An entry that leads to no message may do so later, when the file cannot be opened at the moment. */
const MAX_READS = 10
/** Tag codes at most this great are addresses of lost units in extension files. */
const LOST_TAG_CODE = -(2n ** 31n) - 1n

/** Messages stored before the wall clock was set back have due times that are too late: these are not waited for. */
interface Correction {
  readonly untilOffset: number
  readonly dueMs: number
}

const NO_CORRECTION: Correction = { untilOffset: 0, dueMs: 0 }

/** The message as it was sent: DELAY, REAL_TOPIC and REAL_QID stay among its properties, as Java stores it. */
const originalOf = (record: StoredMessage): NewMessage | undefined => {
  const topic = record.properties.get(PropertyName.REAL_TOPIC) ?? ''
  const queueId = record.properties.get(PropertyName.REAL_QUEUE_ID) ?? ''
  if (!isValidTopic(topic) || !/^\d{1,9}$/.test(queueId) || topic === SystemTopic.TRANS_HALF) return undefined
  return newMessageOf(record, { topic, queueId: Number(queueId) })
}

/** One delay level: its queue of the schedule topic, delivered in its order, each message when its time has come. */
export class DelayedQueue {
  readonly level: number
  readonly #delayMs: number
  readonly #parts: DeliveryParts
  #correction = NO_CORRECTION
  #reads = 0

  /** @param delayMs undefined for a level that is no longer configured; what waits there is still delivered */
  constructor(level: number, delayMs: number | undefined, parts: DeliveryParts) {
    this.level = level
    this.#delayMs = delayMs ?? Number.POSITIVE_INFINITY
    this.#parts = parts
  }

  /**
   * Delivers what is due, at most 32 messages.
   * @returns milliseconds until it wants the next turn
   */
  async turn(): Promise<number> {
    const { store } = this.#parts
    const from = this.#position()
    const entries = store.queueEntries(this.#topic, this.#queueId, from, TURN_MESSAGES)
    const nowMs = this.#parts.clock.nowMs()
    const firstLater = entries.findIndex((entry, index) => this.#dueMs(entry, from + index, nowMs) > nowMs)
    const due = firstLater < 0 ? entries : entries.slice(0, firstLater)
    if (due.length > 0) return this.#deliver(from, due)
    const waitMs =
      entries.length === 0 ? Math.max(this.#delayMs, MIN_IDLE_MS) : this.#dueMs(entries[0]!, from, nowMs) - nowMs
    return Math.min(Math.max(waitMs, MIN_WAIT_MS), MAX_WAIT_MS)
  }

  get #queueId(): number {
    return queueOfLevel(this.level)
  }

  get #topic() {
    return this.#parts.store.topic(SystemTopic.SCHEDULE)
  }

  /** Where to go on, corrected when the queue no longer, or not yet, has that place. */
  #position(): number {
    const { store, offsets, log } = this.#parts
    const position = offsets.of(this.level)
    const { min, max } = store.bounds(this.#topic, this.#queueId) ?? { min: 0, max: 0 }
    const corrected = Math.min(Math.max(position, min), max)
    if (corrected !== position) {
      log.warn({ level: this.level, position, min, max }, 'the offset of a delay level is outside its queue: corrected')
      offsets.advance(this.level, corrected, 0)
    }
    return corrected
  }

  /**
   * When an entry is due. Never further ahead than the level's delay: after the wall clock was set back, all that
   * waited then is due that delay later, so that nothing is early and nothing waits for the old time.
   */
  #dueMs(entry: QueueEntry, queueOffset: number, nowMs: number): number {
    const storedMs = this.#storedDueMs(entry, queueOffset)
    const { untilOffset, dueMs } = this.#correction
    const due = queueOffset < untilOffset ? Math.min(storedMs, dueMs) : storedMs
    if (due - nowMs <= this.#delayMs) return due
    const { store, log } = this.#parts
    const max = store.bounds(this.#topic, this.#queueId)?.max ?? queueOffset + 1
    this.#correction = { untilOffset: max, dueMs: nowMs + this.#delayMs }
    const lateMs = due - nowMs - this.#delayMs
    if (lateMs > UNTOLD_CORRECTION_MS) {
      log.warn({ level: this.level, lateMs }, 'delayed messages are due too late for their level: corrected')
    }
    return this.#correction.dueMs
  }

  #storedDueMs({ tagsCode }: QueueEntry, queueOffset: number): number {
    if (tagsCode > LOST_TAG_CODE) return Number(tagsCode)
    const storedAtMs = this.#parts.store.storeTimeAt(this.#topic, this.#queueId, queueOffset)
    return Number.isFinite(this.#delayMs) ? storedAtMs + this.#delayMs : storedAtMs
  }

  async #deliver(from: number, due: readonly QueueEntry[]): Promise<number> {
    const records = await this.#records(from, due.length)
    for (const [index, entry] of due.entries()) {
      const queueOffset = from + index
      const record = records.get(queueOffset) ?? (await this.#record(entry))
      if (record === undefined && !this.#mayPass(entry, queueOffset)) return UNREADABLE_WAIT_MS
      this.#reads = 0
      const written = record === undefined ? undefined : this.#write(record)
      if (written !== undefined && written.status !== AppendStatus.OK) {
        return written.status === AppendStatus.BUSY ? BUSY_WAIT_MS : REFUSED_WAIT_MS
      }
      this.#parts.offsets.advance(this.level, queueOffset + 1, written?.endOffset ?? 0)
    }
    return 0
  }

  async #records(from: number, count: number): Promise<ReadonlyMap<number, StoredMessage>> {
    try {
      const { messages } = await this.#parts.messages.ofQueue(SystemTopic.SCHEDULE, this.#queueId, from, count)
      return new Map(messages.map((record) => [record.queueOffset, record]))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      // Read one by one, the others are found.
      return new Map()
    }
  }

  async #record({ physicalOffset }: QueueEntry): Promise<StoredMessage | undefined> {
    try {
      const record = await this.#parts.messages.at(physicalOffset)
      return record?.topic === SystemTopic.SCHEDULE ? record : undefined
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return undefined
    }
  }

  /** Whether an entry that leads to no message is passed over. */
  #mayPass({ physicalOffset }: QueueEntry, queueOffset: number): boolean {
    const isGone = physicalOffset < this.#parts.store.minPhysicalOffset
    this.#reads += 1
    if (!isGone && this.#reads < MAX_READS) return false
    const where = { level: this.level, queueOffset, physicalOffset, isGone }
    this.#parts.log.warn(where, 'a delayed message cannot be read: not delivered')
    return true
  }

  /** Undefined when the record cannot be a delayed message. */
  #write(record: StoredMessage): Written | undefined {
    const { writer, log, delivered } = this.#parts
    const message = originalOf(record)
    const { level } = this
    const { queueOffset, physicalOffset } = record
    if (message === undefined) {
      log.warn({ level, queueOffset, physicalOffset }, 'a record among delayed messages names no topic: not delivered')
      return undefined
    }
    const written = writer.write(message)
    if (written.status === AppendStatus.OK) {
      delivered?.(message.topic, level, written.endOffset - written.physicalOffset)
    } else {
      const { status } = written
      log.warn({ level, topic: message.topic, queueOffset, status }, 'a delayed message was refused: tried again')
    }
    return written
  }
}
