import type { Clock } from '../../base/clock.ts'
import { AppendBatch } from '../../store/append-batch.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'
import type { AnswerTo } from '../answer.ts'
import { type Durability, type DurabilityOutcome, putStatusOf } from '../durability.ts'
import type { SendAdmission, TopicLoad } from './admission.ts'
import { type AppendRefusal, refusalOf } from './append-refusal.ts'
import type { SendResponseWriter, StoredPlace } from './send-response.ts'
import type { PutCounter } from './send-topics.ts'

/** Counters the send path moves. */
export interface SendStats {
  messagesPut(count: number, sizeBytes: number): void
  putsFailed(count: number): void
}

/** One send request whose rows stand in the batch. */
export interface PendingSend {
  readonly to: AnswerTo
  readonly oneway: boolean
  readonly topic: { readonly load: TopicLoad; readonly traffic: PutCounter }
  readonly queueId: number
  readonly firstRow: number
  /** 1, or the number of messages of a client batch. */
  readonly rows: number
  /** Whether the sender wants to wait for the flush mode's promise (property WAIT). */
  readonly waits: boolean
  /** Counted against the connection while it waits. */
  readonly requestBytes: number
  /** Part of the answer when the message waits for its delivery time. */
  readonly recallHandle?: string | undefined
  /** Called with the first row's queue offset when it is appended. */
  readonly onStored?: ((queueOffset: number) => void) | undefined
}

interface Stored {
  readonly send: PendingSend
  readonly place: StoredPlace
}

const BATCH_ROWS = 1024
/** Room for the properties of a whole received chunk and of one largest request besides. */
const AUX_BYTES = 1024 * 1024

/**
 * Collects the sends of one received chunk as rows of one append batch, appends them in one native call, and answers
 * each when the durability gate lets it.
 */
export class SendPipeline {
  /** Rows collected; replaced by `prepare` when a request needs a larger one. */
  batch = new AppendBatch(BATCH_ROWS, AUX_BYTES)
  readonly #store: MessageStore
  readonly #gate: Durability
  readonly #responses: SendResponseWriter
  readonly #stats: SendStats
  readonly #admission: SendAdmission
  readonly #clock: Clock
  readonly #refusal: AppendRefusal
  #pending: PendingSend[] = []

  constructor(parts: {
    readonly store: MessageStore
    readonly gate: Durability
    readonly responses: SendResponseWriter
    readonly stats: SendStats
    readonly admission: SendAdmission
    readonly clock: Clock
    readonly maxMessageBytes: number
  }) {
    this.#store = parts.store
    this.#gate = parts.gate
    this.#responses = parts.responses
    this.#stats = parts.stats
    this.#admission = parts.admission
    this.#clock = parts.clock
    this.#refusal = refusalOf(parts.store, parts.maxMessageBytes)
  }

  /**
   * Makes room for a request whose bodies are ranges of `body`: appends what is collected first when its bodies are
   * elsewhere, or when `rows` rows or `auxBytes` more no longer fit.
   */
  prepare(body: Buffer, rows: number, auxBytes: number): void {
    const { batch } = this
    const fits =
      batch.body === body && batch.count + rows <= batch.capacity && batch.auxUsed + auxBytes <= batch.aux.length
    if (!fits) {
      this.flush()
      const largeEnough = rows <= this.batch.capacity && auxBytes <= this.batch.aux.length
      if (!largeEnough) this.batch = new AppendBatch(Math.max(rows, BATCH_ROWS), Math.max(auxBytes, AUX_BYTES))
    }
    this.batch.body = body
  }

  /** Remembers whom to answer for the rows just added. */
  push(send: PendingSend): void {
    this.#pending.push(send)
  }

  /** Appends what is collected and answers, now or when it is durable. */
  flush(): void {
    const sends = this.#pending
    if (sends.length === 0) return
    const { batch } = this
    this.#pending = []
    this.#append()
    const held: Stored[] = []
    for (const send of sends) this.#settleAppend(send, held)
    const { endOffset } = batch
    batch.clear()
    const grown = batch.capacity > BATCH_ROWS || batch.aux.length > AUX_BYTES
    if (grown) this.batch = new AppendBatch(BATCH_ROWS, AUX_BYTES)
    if (held.length > 0) this.#hold(endOffset, held)
    else if (endOffset >= 0) this.#gate.requestSoon(endOffset)
  }

  /** Rows never outlive the bytes they point to, whatever happens to the append. */
  #append(): void {
    const { batch } = this
    const beginMs = this.#clock.monotonicMs()
    try {
      this.#store.append(batch)
    } catch (error) {
      batch.clear()
      throw error
    }
    this.#admission.appended(this.#clock.monotonicMs() - beginMs)
  }

  #hold(endOffset: number, held: readonly Stored[]): void {
    const group = this.#admission.held(held.map(({ send }) => send.topic.load))
    this.#gate.hold(endOffset, (outcome) => {
      this.#admission.released(group)
      this.#settleHeld(held, outcome)
    })
  }

  #settleAppend(send: PendingSend, held: Stored[]): void {
    const { batch } = this
    const status = batch.status(send.firstRow)
    if (status !== AppendStatus.OK) {
      this.#stats.putsFailed(send.rows)
      if (!send.oneway) {
        const { code, remark } = this.#refusal(status)
        this.#responses.refused(send.to, code, remark)
      }
      return
    }
    let sizeBytes = 0
    for (let row = send.firstRow; row < send.firstRow + send.rows; row++) sizeBytes += batch.sizeBytes(row)
    this.#stats.messagesPut(send.rows, sizeBytes)
    send.topic.traffic.put(send.rows, sizeBytes)
    send.onStored?.(batch.queueOffset(send.firstRow))
    if (send.oneway) return
    if (send.waits && this.#gate.waits) {
      send.to.connection.begin(send.requestBytes)
      held.push({ send, place: this.#placeOf(send) })
    } else if (send.rows === 1 && send.to.serializeType === 0) {
      const { firstRow, to, queueId, recallHandle } = send
      const offset = batch.physicalOffset(firstRow)
      this.#responses.storedOne(to, offset, queueId, batch.queueOffset(firstRow), recallHandle)
    } else {
      this.#responses.stored(send.to, 'SUCCESS', this.#placeOf(send))
    }
  }

  #settleHeld(held: readonly Stored[], outcome: DurabilityOutcome): void {
    for (const { send, place } of held) {
      send.to.connection.end(send.requestBytes)
      if (outcome.kind === 'failed') {
        const { code, remark } = this.#refusal(AppendStatus.READ_ONLY)
        this.#responses.refused(send.to, code, remark)
      } else {
        this.#responses.stored(send.to, putStatusOf[outcome.kind], place)
      }
    }
  }

  #placeOf(send: PendingSend): StoredPlace {
    const { batch } = this
    const { firstRow, rows, queueId, recallHandle } = send
    const offsetOf = (row: number) => batch.physicalOffset(firstRow + row)
    const physicalOffsets = rows === 1 ? offsetOf(0) : Array.from({ length: rows }, (_, row) => offsetOf(row))
    return { physicalOffsets, queueId, queueOffset: batch.queueOffset(firstRow), recallHandle }
  }
}
