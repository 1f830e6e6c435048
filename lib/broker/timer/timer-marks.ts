import { hostAddress } from '../../protocol/host-address.ts'
import { readInt64, writeInt64 } from '../../protocol/int64.ts'
import { TIMER_TOPIC } from '../../protocol/names.ts'
import { AppendStatus } from '../../store/status.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import type { NewMessage } from '../messages/new-message.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import { OffsetSet } from './offset-set.ts'

/** Queue of the timer topic in which marks stand. Java reads queue 0 only. */
export const MARK_QUEUE_ID = 1

const NUMBER_BYTES = 8
const HEAD_NUMBERS = 2
const MAX_OFFSETS = 8192
const MARKS_OF_A_READ = 64
/** Places of marks are remembered once for so many offsets of the timer queue. */
const PLACE_EVERY = 4096

/** One mark: which timers are settled, and from where on queue and marks tell the rest. */
export interface TimerMark {
  /** Every timer below is settled. */
  readonly scanFrom: number
  /** Marks of the timers from there on stand at or behind this offset of the mark queue. */
  readonly marksFrom: number
  readonly settled: readonly number[]
}

/** A mark as the body of a message: signed 64-bit numbers, `scanFrom`, `marksFrom`, then what is settled. */
export const encodeMark = ({ scanFrom, marksFrom, settled }: TimerMark): Buffer => {
  const body = Buffer.allocUnsafe((HEAD_NUMBERS + settled.length) * NUMBER_BYTES)
  let at = writeInt64(body, marksFrom, writeInt64(body, scanFrom, 0))
  for (const offset of settled) at = writeInt64(body, offset, at)
  return body
}

/** Undefined when the bytes are no mark. */
export const decodeMark = (body: Buffer): TimerMark | undefined => {
  if (body.length < HEAD_NUMBERS * NUMBER_BYTES || body.length % NUMBER_BYTES !== 0) return undefined
  const numbers: number[] = []
  for (let at = 0; at < body.length; at += NUMBER_BYTES) numbers.push(readInt64(body, at))
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return undefined
  const [scanFrom, marksFrom, ...settled] = numbers
  return { scanFrom: scanFrom!, marksFrom: marksFrom!, settled }
}

/** What the log says of timers that were settled. */
export interface LoadedMarks {
  readonly marks: TimerMarks
  readonly scanFrom: number
  /** Of those from `scanFrom` on. */
  readonly settled: OffsetSet
}

/** Reads the marks that still count: those that the last one leads to. */
export const loadMarks = async (writer: MessageWriter, messages: StoredMessages): Promise<LoadedMarks> => {
  const { minOffset, maxOffset } = await messages.ofQueue(TIMER_TOPIC, MARK_QUEUE_ID, 0, 1)
  const last = maxOffset > minOffset ? await markAt(messages, maxOffset - 1) : undefined
  const scanFrom = last?.scanFrom ?? 0
  const marksFrom = Math.max(last?.marksFrom ?? minOffset, minOffset)
  const settled = new OffsetSet(scanFrom)
  for (let at = marksFrom; at < maxOffset; ) {
    const read = await messages.ofQueue(TIMER_TOPIC, MARK_QUEUE_ID, at, MARKS_OF_A_READ)
    for (const { body } of read.messages) {
      for (const offset of decodeMark(body)?.settled ?? []) if (offset >= scanFrom) settled.add(offset)
    }
    at = read.nextOffset
  }
  return { marks: new TimerMarks(writer, { scanFrom, marksFrom, end: maxOffset }), scanFrom, settled }
}

const markAt = async (messages: StoredMessages, offset: number): Promise<TimerMark | undefined> => {
  const [message] = (await messages.ofQueue(TIMER_TOPIC, MARK_QUEUE_ID, offset, 1)).messages
  return message === undefined ? undefined : decodeMark(message.body)
}

/** Writes down in the log which timers are settled. A mark stands behind the messages that it is about. */
export class TimerMarks {
  readonly #writer: MessageWriter
  /** Marks of timers from `timer` on stand at or behind `mark`. Both ascend. */
  readonly #places: { readonly timer: number; readonly mark: number }[]
  /** Offset that the next mark gets. */
  #end: number
  #unwritten: number[] = []

  constructor(writer: MessageWriter, start: { readonly scanFrom: number; readonly marksFrom: number; end: number }) {
    this.#writer = writer
    this.#places = [{ timer: start.scanFrom, mark: start.marksFrom }]
    this.#end = start.end
  }

  /** No timer at or behind this offset was settled yet. */
  scanning(fromOffset: number): void {
    const { timer, mark } = this.#places.at(-1)!
    if (this.#end > mark && fromOffset >= timer + PLACE_EVERY) this.#places.push({ timer: fromOffset, mark: this.#end })
  }

  add(queueOffset: number): void {
    this.#unwritten.push(queueOffset)
  }

  /**
   * Writes what was added, if anything. What cannot be written is kept for the next call.
   * @param scanFrom every timer below is settled
   */
  write(scanFrom: number, nowMs: number): boolean {
    while (this.#unwritten.length > 0) {
      const settled = this.#unwritten.slice(0, MAX_OFFSETS)
      const body = encodeMark({ scanFrom, marksFrom: this.#marksFrom(scanFrom), settled })
      const { status, queueOffset } = this.#writer.write(markMessage(body, nowMs))
      if (status !== AppendStatus.OK) return false
      this.#end = queueOffset + 1
      this.#unwritten = this.#unwritten.slice(settled.length)
    }
    return true
  }

  #marksFrom(scanFrom: number): number {
    while (this.#places.length > 1 && this.#places[1]!.timer <= scanFrom) this.#places.shift()
    return this.#places[0]!.mark
  }
}

const markMessage = (body: Buffer, nowMs: number): NewMessage => ({
  topic: TIMER_TOPIC,
  queueId: MARK_QUEUE_ID,
  flag: 0,
  sysFlag: 0,
  bornTimestampMs: nowMs,
  bornHost: hostAddress('127.0.0.1', 0),
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body,
  properties: new Map(),
})
