import { ResponseError } from '../../net/handler.ts'
import { encodeProperties, inJavaOrder, MAX_PROPERTIES_BYTES } from '../../protocol/properties.ts'
import { AppendBatch } from '../../store/append-batch.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'
import { StoreError } from '../../store/store-error.ts'
import type { Durability, DurabilityOutcome } from '../durability.ts'
import { type Detour, redirected } from './detour.ts'
import type { NewMessage } from './new-message.ts'

/** What became of a message the broker wrote. */
export interface Written {
  readonly status: AppendStatus
  /** Where the record starts; -1 when it was not stored, as for the next three. */
  readonly physicalOffset: number
  readonly queueOffset: number
  /** Milliseconds since the epoch. */
  readonly storeTimestampMs: number
  /** End of the record in the log. */
  readonly endOffset: number
}

const NOT_WRITTEN = { physicalOffset: -1, queueOffset: -1, storeTimestampMs: -1, endOffset: -1 }
const FIRST_AUX_BYTES = 64 * 1024
const MAX_HOST_BYTES = 16

/**
 * Stores messages that the broker makes by itself: retries, deliveries of delayed messages, halves and their ends.
 * That topics exist is the caller's business.
 */
export class MessageWriter {
  readonly #store: MessageStore
  readonly #gate: Durability
  readonly #detours: readonly Detour[]
  readonly #batch = new AppendBatch(1, FIRST_AUX_BYTES)

  /** @param detours those of all; the ones for clients' messages only are left out */
  constructor(store: MessageStore, gate: Durability, detours: readonly Detour[]) {
    this.#store = store
    this.#gate = gate
    this.#detours = detours.filter(({ clientsOnly }) => !clientsOnly)
  }

  /**
   * Appends at once, without waiting for the device. Never throws for what is wrong with the message or the store.
   * Under sync flush a sync is requested, so that it becomes readable.
   */
  write(message: NewMessage): Written {
    const status = this.#redirectAndAppend(message)
    if (status !== AppendStatus.OK) return { status, ...NOT_WRITTEN }
    const batch = this.#batch
    const { endOffset } = batch
    this.#gate.requestSoon(endOffset)
    return {
      status,
      physicalOffset: batch.physicalOffset(0),
      queueOffset: batch.queueOffset(0),
      storeTimestampMs: batch.storeTimestampMs(0),
      endOffset,
    }
  }

  /** Resolves with what the flush mode promises for everything below `endOffset`. */
  durable(endOffset: number): Promise<DurabilityOutcome> {
    return new Promise((resolve) => this.#gate.hold(endOffset, resolve))
  }

  #redirectAndAppend(message: NewMessage): AppendStatus {
    try {
      return this.#append(redirected(message, this.#detours))
    } catch (error) {
      if (error instanceof ResponseError) return AppendStatus.INVALID_ARGUMENT
      if (!(error instanceof StoreError)) throw error
      return statusOf(error)
    }
  }

  #append(message: NewMessage): AppendStatus {
    const batch = this.#batch
    batch.clear()
    const properties = Buffer.from(encodeProperties(inJavaOrder(message.properties)))
    if (properties.length > MAX_PROPERTIES_BYTES) return AppendStatus.TOO_LARGE
    const host = message.bornHost.bytes
    if (host.length > MAX_HOST_BYTES) return AppendStatus.INVALID_ARGUMENT
    batch.body = message.body
    batch.aux.set(host, 0)
    batch.aux.set(properties, host.length)
    batch.auxUsed = host.length + properties.length
    batch.add(
      this.#store.topic(message.topic),
      message.queueId,
      message.flag,
      message.sysFlag,
      message.reconsumeTimes,
      message.bornTimestampMs,
      message.preparedTransactionOffset,
      0,
      host.length,
      message.bornHost.port,
      0,
      message.body.length,
      host.length,
      properties.length,
      1,
    )
    this.#store.append(batch)
    return batch.status(0)
  }
}

/** The status of the same name. */
const statusOf = ({ code }: StoreError): AppendStatus =>
  AppendStatus[code.replace('STORE_', '') as keyof typeof AppendStatus] ?? AppendStatus.IO_ERROR
