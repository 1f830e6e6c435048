import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader } from './json-reader.ts'
import { type MessageQueue, messageQueueOf } from './message-queue.ts'

/** Store times of one queue in ms since the epoch, -1 where there is no message. */
export interface QueueTimeSpan {
  readonly messageQueue: MessageQueue
  /** Of the first message. */
  readonly minTimeStamp: number
  /** Of the last message. */
  readonly maxTimeStamp: number
  /** Of the last message that the group has consumed. */
  readonly consumeTimeStamp: number
  /** Age in ms of the first message that it has not; 0 when there is none. */
  readonly delayTime: number
}

/** Answer to QUERY_CONSUME_TIME_SPAN. */
export interface QueryConsumeTimeSpanBody {
  readonly consumeTimeSpanSet: readonly QueueTimeSpan[]
}

const timeSpanOf = (value: JavaJson, what: string): QueueTimeSpan => {
  const reader = new JsonReader(value, what)
  return {
    messageQueue: messageQueueOf(reader.members.messageQueue ?? {}, what),
    minTimeStamp: reader.number('minTimeStamp', 0),
    maxTimeStamp: reader.number('maxTimeStamp', 0),
    consumeTimeStamp: reader.number('consumeTimeStamp', 0),
    delayTime: reader.number('delayTime', 0),
  }
}

export const encodeConsumeTimeSpan = (body: QueryConsumeTimeSpanBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumeTimeSpan = (body: Buffer | string): QueryConsumeTimeSpanBody => ({
  consumeTimeSpanSet: JsonReader.of(body, 'QueryConsumeTimeSpanBody').list('consumeTimeSpanSet', timeSpanOf),
})
