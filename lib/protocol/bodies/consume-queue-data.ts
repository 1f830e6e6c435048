import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader } from './json-reader.ts'
import { type SubscriptionData, subscriptionDataOf } from './subscription-data.ts'

/** One entry of a consume queue. */
export interface ConsumeQueueData {
  readonly physicOffset: number
  readonly physicSize: number
  /** A bigint when it lies beyond 2^53: the address of a lost unit in an extension file. */
  readonly tagsCode: number | bigint
  readonly extendDataJson?: string
  readonly bitMap?: string
  /** Whether the message passes the group's filter. */
  readonly eval: boolean
  readonly msg?: string
}

/** Answer to QUERY_CONSUME_QUEUE. */
export interface QueryConsumeQueueResponseBody {
  readonly subscriptionData?: SubscriptionData
  readonly filterData?: string
  readonly queueData: readonly ConsumeQueueData[]
  readonly maxQueueIndex: number
  readonly minQueueIndex: number
}

const optionalText = <N extends string>(reader: JsonReader, name: N): { [K in N]?: string } => {
  const text = reader.text(name, undefined)
  return (text === undefined ? {} : { [name]: text }) as { [K in N]?: string }
}

const queueDataOf = (value: JavaJson, what: string): ConsumeQueueData => {
  const reader = new JsonReader(value, what)
  return {
    physicOffset: reader.number('physicOffset', 0),
    physicSize: reader.number('physicSize', 0),
    tagsCode: reader.number('tagsCode', 0),
    ...optionalText(reader, 'extendDataJson'),
    ...optionalText(reader, 'bitMap'),
    eval: reader.flag('eval', false),
    ...optionalText(reader, 'msg'),
  }
}

export const encodeQueryConsumeQueue = (body: QueryConsumeQueueResponseBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeQueryConsumeQueue = (body: Buffer | string): QueryConsumeQueueResponseBody => {
  const reader = JsonReader.of(body, 'QueryConsumeQueueResponseBody')
  const subscription = reader.members.subscriptionData ?? null
  return {
    ...(subscription === null ? {} : { subscriptionData: subscriptionDataOf(subscription) }),
    ...optionalText(reader, 'filterData'),
    queueData: reader.list('queueData', queueDataOf),
    maxQueueIndex: reader.number('maxQueueIndex', 0),
    minQueueIndex: reader.number('minQueueIndex', 0),
  }
}
