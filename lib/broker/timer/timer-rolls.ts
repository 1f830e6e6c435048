import { TIMER_TOPIC } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/properties.ts'
import { AppendStatus } from '../../store/status.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import { newMessageOf, withProperties } from '../messages/new-message.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import type { PendingTimers } from './pending-timers.ts'
import { TIMER_QUEUE_ID } from './timer-queue.ts'

/** What is due this soon is not moved: it goes by itself, long before its segment. */
const LEAST_WAIT_MS = 30_000
const TURN = 64

/** What is in danger of being deleted with its segment. */
export interface RollLimits {
  readonly nowMs: number
  /** Stored before this time. */
  readonly storedBeforeMs: number
  /** Standing in the log before this. */
  readonly physicalOffset: number
  /** What stands in the timer queue from there on is left: it came meanwhile. */
  readonly endOffset: number
}

export interface RollParts {
  readonly pending: PendingTimers
  readonly writer: MessageWriter
  readonly messages: StoredMessages
  /** The timer stands at the end of the timer queue once more. */
  readonly onMoved: (queueOffset: number) => void
  /** Between turns; false ends the round. */
  readonly next: () => Promise<boolean>
}

/**
 * Keeps timers ahead of retention: what would be deleted with its segment before it is due is stored once more at the
 * log's end. Goes through the timers in queue order from the oldest on.
 */
export class TimerRolls {
  readonly #parts: RollParts

  constructor(parts: RollParts) {
    this.#parts = parts
  }

  /** Moves all that the limits say; gives how many. */
  async round(limits: RollLimits): Promise<number> {
    const { pending, next } = this.#parts
    let moved = 0
    let seen = 0
    for (let offset = pending.oldest; offset !== undefined; offset = pending.nextOffset(offset + 1)) {
      if (offset >= limits.endOffset) break
      const what = await this.#look(offset, limits)
      if (what === 'end') break
      if (what === 'moved') moved += 1
      seen += 1
      if (seen % TURN === 0 && !(await next())) break
    }
    return moved
  }

  async #look(offset: number, limits: RollLimits): Promise<'moved' | 'left' | 'end'> {
    const { pending, messages, writer, onMoved } = this.#parts
    const [record] = (await messages.ofQueue(TIMER_TOPIC, TIMER_QUEUE_ID, offset, 1)).messages
    if (record === undefined || record.queueOffset !== offset || !pending.has(offset)) return 'left'
    if (record.storeTimestamp >= limits.storedBeforeMs && record.physicalOffset >= limits.physicalOffset) return 'end'
    const { properties } = record
    if (Number(properties.get(PropertyName.TIMER_OUT_MS)) < limits.nowMs + LEAST_WAIT_MS) return 'left'
    const times = Number(properties.get(PropertyName.TIMER_ROLL_TIMES) ?? 0) + 1
    const again = withProperties(properties, { [PropertyName.TIMER_ROLL_TIMES]: String(times) })
    if (writer.write(newMessageOf(record, { properties: again })).status !== AppendStatus.OK) return 'end'
    onMoved(offset)
    return 'moved'
  }
}
