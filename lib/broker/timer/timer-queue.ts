import { TIMER_TOPIC } from '../../protocol/names.ts'
import type { MessageStore, TopicHandle } from '../../store/message-store.ts'
import { PullResult } from '../../store/pull-result.ts'
import { PullStatus } from '../../store/status.ts'

/** Queue of the timer topic in which timers and recalls stand. */
export const TIMER_QUEUE_ID = 0

/** What a read found. */
export interface QueueRead {
  /** Bytes of whole records; 0 when none was found. */
  readonly sizeBytes: number
  /** More than 0 when not even the first record fits. */
  readonly neededBytes: number
  readonly nextOffset: number
}

/** The timer queue's records as they stand in the log. */
export class TimerQueue {
  readonly #store: MessageStore
  readonly #topic: TopicHandle
  readonly #result = new PullResult()

  constructor(store: MessageStore) {
    this.#store = store
    this.#topic = store.topic(TIMER_TOPIC)
  }

  /** First offset and the one behind the last. */
  get bounds(): { readonly min: number; readonly max: number } {
    return this.#store.bounds(this.#topic, TIMER_QUEUE_ID) ?? { min: 0, max: 0 }
  }

  /** Reads what is in memory; undefined when the disk would have to be waited for and may not. */
  read(from: number, maxCount: number, into: Buffer, at: number, mayWait: boolean): QueueRead | undefined {
    const room = into.length - at
    const result = this.#result
    this.#store.pull(this.#topic, TIMER_QUEUE_ID, from, maxCount, undefined, room, into, at, result, mayWait)
    const { status, maxOffset } = result
    if (status === PullStatus.NOT_IN_MEMORY) return undefined
    if (status === PullStatus.FOUND && result.count === 0) {
      return { sizeBytes: 0, neededBytes: result.neededBytes, nextOffset: from }
    }
    const sizeBytes = status === PullStatus.FOUND ? result.sizeBytes : 0
    const nextOffset = from >= maxOffset ? from : Math.max(result.nextBeginOffset, from + 1)
    return { sizeBytes, neededBytes: 0, nextOffset }
  }

  /** Brings what `read` would read into memory, as far as the store takes the request. */
  async readAhead(from: number, maxCount: number, maxBytes: number): Promise<void> {
    await this.#store.readAhead(this.#topic, TIMER_QUEUE_ID, from, maxCount, undefined, maxBytes)
  }

  /** Resolves when there is something at that offset, or the signal aborts. */
  whenArrived(offset: number, signal: AbortSignal): Promise<void> {
    return this.#store.whenArrived(this.#topic, TIMER_QUEUE_ID, offset, signal)
  }
}
