import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader, numberOf, tableOf } from './json-reader.ts'
import { type MessageQueue, queueKeyed } from './message-queue.ts'

/** Queue offsets by queue: body of RESET_CONSUMER_CLIENT_OFFSET and answer to INVOKE_BROKER_TO_RESET_OFFSET. */
export interface ResetOffsetBody {
  readonly offsetTable: ReadonlyMap<MessageQueue, number>
}

export const encodeResetOffset = (body: ResetOffsetBody): Buffer => Buffer.from(stringifyJava(body))

/** The form that C++ clients read: a list in place of a table whose keys are objects. */
export const encodeResetOffsetForC = ({ offsetTable }: ResetOffsetBody): Buffer =>
  Buffer.from(stringifyJava({ offsetTable: [...offsetTable].map(([queue, offset]) => ({ ...queue, offset })) }))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeResetOffset = (body: Buffer | string): ResetOffsetBody => ({
  offsetTable: queueKeyed(JsonReader.of(body, 'ResetOffsetBody').table('offsetTable', numberOf), 'ResetOffsetBody'),
})

/**
 * How far consumers are. A client answers GET_CONSUMER_STATUS_FROM_CLIENT with `messageQueueTable`, a broker
 * INVOKE_BROKER_TO_GET_CONSUMER_STATUS with `consumerTable`.
 */
export interface GetConsumerStatusBody {
  readonly messageQueueTable: ReadonlyMap<MessageQueue, number>
  /** By client id. */
  readonly consumerTable: ReadonlyMap<string, ReadonlyMap<MessageQueue, number>>
}

const offsetsOf = (value: JavaJson, what: string): Map<MessageQueue, number> =>
  queueKeyed(tableOf(value, what, numberOf), what)

export const encodeConsumerStatus = (body: GetConsumerStatusBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumerStatus = (body: Buffer | string): GetConsumerStatusBody => {
  const reader = JsonReader.of(body, 'GetConsumerStatusBody')
  return {
    messageQueueTable: queueKeyed(reader.table('messageQueueTable', numberOf), 'GetConsumerStatusBody'),
    consumerTable: reader.table('consumerTable', offsetsOf),
  }
}
