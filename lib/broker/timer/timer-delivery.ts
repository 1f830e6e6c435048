import { isValidTopic } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/properties.ts'
import { PropertyRewriter } from '../../protocol/property-rewriter.ts'
import { AppendBatch } from '../../store/append-batch.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'
import type { Durability } from '../durability.ts'
import type { DueTimer } from './pending-timers.ts'
import type { TimerQueue } from './timer-queue.ts'
import { TimerRecord } from './timer-record.ts'

/** Most timers of one call. */
export const MAX_DELIVERIES = 256
const CHUNK_BYTES = 1024 * 1024
const AUX_BYTES = 512 * 1024
/** Behind the rewritten properties: the host and what `putDequeueTime` writes. */
const MAX_TAIL_BYTES = 64

/** What became of timers. Those in neither list are to be tried again. */
export interface Delivered {
  /** Stored in their topics, called off, or beyond delivery. */
  readonly settled: DueTimer[]
  readonly failed: DueTimer[]
}

export interface DeliveryParts {
  readonly store: MessageStore
  readonly gate: Durability
  readonly queue: TimerQueue
  /** Asked when a message is about to be stored; no turn of the event loop comes between. */
  readonly isRecalled: (dueMs: number, topic: string, uniqKey: string | undefined) => boolean
  readonly onDelivered: (topic: string, sizeBytes: number) => void
  /** Told of what can never be delivered. */
  readonly onLost: (why: string, timer: DueTimer) => void
}

/** Statuses that a later try does not change. */
const HOPELESS: ReadonlySet<AppendStatus> = new Set([AppendStatus.INVALID_ARGUMENT, AppendStatus.TOO_LARGE])

/** Stores due messages in the topics they were sent to: records are read and appended without an object for each. */
export class TimerDelivery {
  readonly #parts: DeliveryParts
  readonly #batch = new AppendBatch(MAX_DELIVERIES, AUX_BYTES)
  readonly #rewriter = new PropertyRewriter({
    remove: [PropertyName.REAL_TOPIC, PropertyName.REAL_QUEUE_ID],
    put: [],
  })
  readonly #record = new TimerRecord()
  /** Where in the chunk a timer's record starts; -1: it has none any more. */
  readonly #places = new Int32Array(MAX_DELIVERIES)
  /** The timer of each row, and where it goes. */
  readonly #rows: { readonly timer: DueTimer; readonly topic: string }[] = []
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Delivers up to `MAX_DELIVERIES` timers in their order. `nowMs` is what `TIMER_DEQUEUE_MS` says. */
  async deliver(timers: readonly DueTimer[], nowMs: () => number): Promise<Delivered> {
    const delivered: Delivered = { settled: [], failed: [] }
    for (let first = 0; first < timers.length; ) {
      const count = await this.#read(timers, first)
      this.#append(timers, first, count, nowMs(), delivered)
      first += count
    }
    if (this.#chunk.length > CHUNK_BYTES) this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    return delivered
  }

  /** Reads the records of as many timers as fit into the chunk, at least one. */
  async #read(timers: readonly DueTimer[], first: number): Promise<number> {
    let used = 0
    let mayWait = false
    let index = first
    while (index < timers.length) {
      const { queueOffset } = timers[index]!
      const read = this.#parts.queue.read(queueOffset, 1, this.#chunk, used, mayWait)
      if (read === undefined) {
        await this.#readAhead(timers, index)
        mayWait = true
        continue
      }
      if (read.neededBytes > 0) {
        if (used > 0) break
        this.#chunk = Buffer.allocUnsafeSlow(read.neededBytes)
        continue
      }
      this.#places[index - first] = read.sizeBytes > 0 ? used : -1
      used += read.sizeBytes
      index += 1
    }
    return index - first
  }

  async #readAhead(timers: readonly DueTimer[], from: number): Promise<void> {
    const { queue } = this.#parts
    await Promise.all(timers.slice(from).map(({ queueOffset }) => queue.readAhead(queueOffset, 1, CHUNK_BYTES)))
  }

  #append(timers: readonly DueTimer[], first: number, count: number, nowMs: number, delivered: Delivered): void {
    const batch = this.#batch
    for (let index = 0; index < count; index++) {
      const timer = timers[first + index]!
      const place = this.#places[index]!
      if (place >= 0) this.#record.read(this.#chunk, place)
      if (place < 0 || this.#record.queueOffset !== timer.queueOffset) {
        this.#lose('its record is gone', timer, delivered)
        continue
      }
      const bound = this.#rewriter.sizeBound(this.#record.propertiesEnd - this.#record.propertiesStart)
      if (batch.auxUsed + bound + MAX_TAIL_BYTES > batch.aux.length) this.#flush(delivered)
      this.#addRow(timer, nowMs, delivered)
    }
    this.#flush(delivered)
  }

  #lose(why: string, timer: DueTimer, delivered: Delivered): void {
    this.#parts.onLost(why, timer)
    delivered.settled.push(timer)
  }

  #addRow(timer: DueTimer, nowMs: number, delivered: Delivered): void {
    const record = this.#record
    const topic = record.realTopic
    const queueId = record.realQueueId
    if (topic === undefined || !isValidTopic(topic) || !(queueId >= 0)) {
      this.#lose('it does not say where it belongs', timer, delivered)
      return
    }
    if (this.#parts.isRecalled(timer.dueMs, topic, record.uniqKey)) {
      delivered.settled.push(timer)
      return
    }
    const batch = this.#batch
    batch.body = this.#chunk
    const start = batch.auxUsed
    const { propertiesStart, propertiesEnd, bornHostStart, bornHostBytes } = record
    const rewritten = this.#rewriter.rewrite(this.#chunk, propertiesStart, propertiesEnd, batch.aux, start)
    const hostAt = putDequeueTime(nowMs, batch.aux, start, rewritten)
    this.#chunk.copy(batch.aux, hostAt, bornHostStart, bornHostStart + bornHostBytes)
    batch.auxUsed = hostAt + bornHostBytes
    batch.add(
      this.#parts.store.topic(topic),
      queueId,
      record.flag,
      record.sysFlag,
      record.reconsumeTimes,
      record.bornTimestampMs,
      0,
      hostAt,
      bornHostBytes,
      record.bornPort,
      record.bodyStart,
      record.bodyEnd - record.bodyStart,
      start,
      hostAt - start,
      1,
    )
    this.#rows.push({ timer, topic })
  }

  #flush(delivered: Delivered): void {
    const batch = this.#batch
    const rows = this.#rows
    if (rows.length === 0) return
    this.#parts.store.append(batch)
    for (let row = 0; row < rows.length; row++) {
      const status = batch.status(row)
      const { timer, topic } = rows[row]!
      if (status === AppendStatus.OK) {
        delivered.settled.push(timer)
        this.#parts.onDelivered(topic, batch.sizeBytes(row))
      } else if (HOPELESS.has(status)) this.#lose(`the store refuses it with status ${status}`, timer, delivered)
      else delivered.failed.push(timer)
    }
    if (batch.endOffset >= 0) this.#parts.gate.requestSoon(batch.endOffset)
    batch.clear()
    rows.length = 0
  }
}

/** Adds `TIMER_DEQUEUE_MS` to property text; returns its end. */
const putDequeueTime = (nowMs: number, into: Buffer, start: number, end: number): number => {
  const separator = end > start ? '\x02' : ''
  return end + into.write(`${separator}${PropertyName.TIMER_DEQUEUE_MS}\x01${nowMs}`, end, 'latin1')
}
