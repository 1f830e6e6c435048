import { decodeRecord, decodeRecords, type StoredMessage } from '../../protocol/message-codec.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { PullResult } from '../../store/pull-result.ts'
import { PullStatus } from '../../store/status.ts'

/** Messages of one queue from an offset on. */
export interface QueueMessages {
  readonly messages: readonly StoredMessage[]
  /** Where to go on; also behind entries that lead to no message any more. */
  readonly nextOffset: number
  /** First offset that can still be read. */
  readonly minOffset: number
  /** Offset behind the newest message. */
  readonly maxOffset: number
}

const CHUNK_BYTES = 256 * 1024

/** Reads stored messages for the broker's own parts, off the event loop where the disk has to be waited for. */
export class StoredMessages {
  readonly #store: MessageStore
  readonly #result = new PullResult()

  constructor(store: MessageStore) {
    this.#store = store
  }

  /** The message whose record starts there; undefined when none does. */
  async at(physicalOffset: number): Promise<StoredMessage | undefined> {
    if (!Number.isSafeInteger(physicalOffset) || physicalOffset < 0) return undefined
    await this.#store.readRecordAhead(physicalOffset)
    const record = this.#store.readRecord(physicalOffset)
    return record === undefined ? undefined : decodeRecord(record)
  }

  /** Up to `maxCount` messages. Bodies are copies: they stay good. */
  async ofQueue(topic: string, queueId: number, fromOffset: number, maxCount: number): Promise<QueueMessages> {
    const now = this.#pull(topic, queueId, fromOffset, maxCount, CHUNK_BYTES, false)
    if (now !== undefined) return now
    await this.#store.readAhead(this.#store.topic(topic), queueId, fromOffset, maxCount, undefined, CHUNK_BYTES)
    return this.#pull(topic, queueId, fromOffset, maxCount, CHUNK_BYTES, true)!
  }

  /** Undefined when the disk would have to be waited for and may not. */
  #pull(
    topic: string,
    queueId: number,
    from: number,
    maxCount: number,
    chunkBytes: number,
    mayWait: boolean,
  ): QueueMessages | undefined {
    const result = this.#result
    const chunk = Buffer.allocUnsafe(chunkBytes)
    this.#store.pull(
      this.#store.topic(topic),
      queueId,
      from,
      maxCount,
      undefined,
      chunkBytes,
      chunk,
      0,
      result,
      mayWait,
    )
    const { status, count, neededBytes, minOffset, maxOffset } = result
    if (status === PullStatus.NOT_IN_MEMORY) return undefined
    if (status === PullStatus.FOUND && count === 0 && neededBytes > chunkBytes) {
      return this.#pull(topic, queueId, from, maxCount, neededBytes, mayWait)
    }
    const messages = status === PullStatus.FOUND ? decodeRecords(chunk, 0, result.sizeBytes) : []
    const nextOffset = from >= maxOffset ? from : Math.max(result.nextBeginOffset, from + 1)
    return { messages, nextOffset, minOffset, maxOffset }
  }
}
