import type { Clock } from '../../base/clock.ts'
import { ResponseError } from '../../net/handler.ts'
import { MAX_DECIMAL_BYTES, writeDecimal } from '../../protocol/ascii-digits.ts'
import { isRetryTopic, TIMER_TOPIC } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/properties.ts'
import { encodeRecallHandle, RecallHandleEncoder } from '../../protocol/recall-handle.ts'
import { MessageSysFlag, transactionType } from '../../protocol/sys-flags.ts'
import type { BrokerOptions } from '../config/broker-options.ts'
import type { Detour, HotDetour, HotMessage, HotTarget } from '../messages/detour.ts'
import { type NewMessage, withProperties } from '../messages/new-message.ts'
import type { TimerNotes } from './timer-notes.ts'
import { TIMER_QUEUE_ID } from './timer-queue.ts'

/** In the order in which they count. */
const TIME_PROPERTIES = [
  PropertyName.TIMER_DELAY_SEC,
  PropertyName.TIMER_DELAY_MS,
  PropertyName.TIMER_DELIVER_MS,
] as const

const INTEGER = /^[+-]?\d{1,19}$/

export interface TimerDetourParts {
  readonly clock: Clock
  readonly options: () => BrokerOptions['timer']
  /** Timers that wait. */
  readonly pending: () => number
  /** Part of recall handles. */
  readonly brokerName: () => string
  readonly notes: TimerNotes
}

/** Stores messages that ask for a delivery time in the timer topic, with Java's checks. */
export class TimerDetour implements Detour {
  readonly properties = TIME_PROPERTIES
  readonly clientsOnly = false
  readonly hot: HotDetour
  readonly #parts: TimerDetourParts
  /** Reused for every message, with the two below. */
  readonly #target = {
    topic: TIMER_TOPIC,
    queueId: TIMER_QUEUE_ID,
    values: [] as Buffer[],
    recallHandle: (messageId: Buffer, start: number, end: number) => this.#hotHandle(messageId, start, end),
    onStored: undefined as HotTarget['onStored'],
  }
  readonly #outDigits = Buffer.alloc(MAX_DECIMAL_BYTES).subarray(0, 13)
  readonly #handles = new RecallHandleEncoder()
  #hotTopic = ''
  #hotDueMs = 0
  /** Texts of queue ids. */
  readonly #queueIds: Buffer[] = []

  constructor(parts: TimerDetourParts) {
    this.#parts = parts
    this.hot = {
      put: [PropertyName.TIMER_OUT_MS, PropertyName.REAL_TOPIC, PropertyName.REAL_QUEUE_ID],
      unless: [PropertyName.TIMER_OUT_MS, PropertyName.TIMER_DEL_UNIQKEY, PropertyName.DELAY],
      take: (message) => this.#take(message),
    }
  }

  redirect(message: NewMessage): NewMessage {
    const { properties } = message
    const name = TIME_PROPERTIES.find((property) => properties.has(property))
    if (name === undefined || !mayWait(message)) return message
    const dueMs = this.#dueMs(name, properties.get(name)!)
    if (dueMs === undefined) {
      if (properties.has(PropertyName.TIMER_DEL_UNIQKEY)) throw tooFar(this.#parts.options().maxDelayMs)
      return message
    }
    const put = {
      [PropertyName.TIMER_OUT_MS]: String(dueMs - 1),
      [PropertyName.REAL_TOPIC]: message.topic,
      [PropertyName.REAL_QUEUE_ID]: String(message.queueId),
    }
    return { ...message, topic: TIMER_TOPIC, queueId: TIMER_QUEUE_ID, properties: withProperties(properties, put) }
  }

  #take(message: HotMessage): HotTarget | undefined {
    if (transactionType(message.sysFlag) !== 0) return undefined
    const dueMs = this.#hotTime(message)
    if (dueMs === undefined) return undefined
    const { topic, queueId } = message
    this.#queueIds[queueId] ??= Buffer.from(String(queueId))
    const { values } = this.#target
    values[0] = this.#outText(dueMs - 1)
    values[1] = topic.bytes
    values[2] = this.#queueIds[queueId]
    this.#hotTopic = topic.name
    this.#hotDueMs = dueMs
    this.#target.onStored = (queueOffset) => this.#parts.notes.put(queueOffset, dueMs)
    return this.#target
  }

  /** Times have thirteen digits for two centuries and more: one buffer does. */
  #outText(outMs: number): Buffer {
    if (outMs < 1e12 || outMs >= 1e13) return Buffer.from(String(outMs))
    writeDecimal(outMs, this.#outDigits, 0)
    return this.#outDigits
  }

  #hotHandle(messageId: Buffer, start: number, end: number): string | undefined {
    const topic = this.#hotTopic
    if (isRetryTopic(topic)) return undefined
    return this.#handles.encode(topic, this.#parts.brokerName(), this.#hotDueMs, messageId, start, end)
  }

  /** Undefined: at once, or only the other way knows. */
  #hotTime(message: HotMessage): number | undefined {
    for (const name of TIME_PROPERTIES) {
      const time = message.integer(name)
      if (time !== undefined) return Number.isNaN(time) ? undefined : this.#dueMsOrNone(name, time)
    }
    return undefined
  }

  /** What is refused is refused on the other way, which may know a reason not to. */
  #dueMsOrNone(name: string, time: number): number | undefined {
    try {
      return this.#dueMs(name, time)
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error
      return undefined
    }
  }

  /** When the message is due; undefined: at once. */
  #dueMs(name: string, time: number | string): number | undefined {
    const options = this.#parts.options()
    if (!options.enabled) {
      throw new ResponseError('SYSTEM_ERROR', 'accurate timer message is not enabled, timerWheelEnable is false')
    }
    const nowMs = this.#parts.clock.nowMs()
    const deliverMs = deliveryTime(name, time, nowMs)
    if (deliverMs <= nowMs) return undefined
    if (deliverMs - nowMs > options.maxDelayMs) throw tooFar(options.maxDelayMs)
    if (this.#parts.pending() >= options.maxPending) {
      const remark = `timer message is under flow control, max num limit is ${options.maxPending}`
      throw new ResponseError('SYSTEM_ERROR', remark)
    }
    return Math.ceil(deliverMs / options.precisionMs) * options.precisionMs
  }
}

/** Java's conditions: a delay level counts more, halves wait for their end, and nothing waits twice. */
const mayWait = ({ topic, sysFlag, properties }: NewMessage): boolean => {
  const type = transactionType(sysFlag)
  if (type !== 0 && type !== MessageSysFlag.TRANSACTION_COMMIT) return false
  if (topic === TIMER_TOPIC || properties.has(PropertyName.TIMER_OUT_MS)) return false
  return !(Number(properties.get(PropertyName.DELAY)) > 0)
}

/** @param time as a number, or as the text that the property has */
const deliveryTime = (name: string, time: number | string, nowMs: number): number => {
  if (typeof time === 'string' && !INTEGER.test(time)) {
    throw new ResponseError('MESSAGE_ILLEGAL', `timer message illegal, ${name} is no number: ${time.slice(0, 64)}`)
  }
  if (name === PropertyName.TIMER_DELIVER_MS) return Number(time)
  return nowMs + Number(time) * (name === PropertyName.TIMER_DELAY_SEC ? 1000 : 1)
}

const tooFar = (maxDelayMs: number): ResponseError =>
  new ResponseError(
    'MESSAGE_ILLEGAL',
    `timer message illegal, the delay time should not be bigger than the max delay ${maxDelayMs}ms; or if set del msg, the delay time should be bigger than the current time`,
  )

/** What recalls a message that is stored like this; undefined when nothing does. */
export const recallHandleOf = (stored: NewMessage, brokerName: string): string | undefined => {
  const { topic, properties } = stored
  const out = properties.get(PropertyName.TIMER_OUT_MS)
  const realTopic = properties.get(PropertyName.REAL_TOPIC)
  const messageId = properties.get(PropertyName.UNIQ_KEY)
  if (topic !== TIMER_TOPIC || out === undefined || realTopic === undefined || messageId === undefined) return undefined
  if (isRetryTopic(realTopic)) return undefined
  return encodeRecallHandle({ topic: realTopic, brokerName, timestamp: String(Number(out) + 1), messageId })
}
