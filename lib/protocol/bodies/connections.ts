import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader } from './json-reader.ts'
import { type ConsumeMode, consumeModeOf, type SubscriptionData, subscriptionDataOf } from './subscription-data.ts'

/** One connected client. */
export interface ClientConnection {
  readonly clientId: string
  /** `host:port` of its end. */
  readonly clientAddr: string
  /** Language by name. */
  readonly language: string
  /** Version ordinal. */
  readonly version: number
}

const connectionOf = (value: JavaJson, what: string): ClientConnection => {
  const reader = new JsonReader(value, what)
  return {
    clientId: reader.text('clientId', ''),
    clientAddr: reader.text('clientAddr', ''),
    language: reader.text('language', 'OTHER'),
    version: reader.number('version', 0),
  }
}

/** Answer to GET_CONSUMER_CONNECTION_LIST. */
export interface ConsumerConnection extends ConsumeMode {
  readonly connectionSet: readonly ClientConnection[]
  /** By topic. */
  readonly subscriptionTable: ReadonlyMap<string, SubscriptionData>
}

export const encodeConsumerConnection = (body: ConsumerConnection): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumerConnection = (body: Buffer | string): ConsumerConnection => {
  const reader = JsonReader.of(body, 'ConsumerConnection')
  return {
    connectionSet: reader.list('connectionSet', connectionOf),
    subscriptionTable: reader.table('subscriptionTable', subscriptionDataOf),
    ...consumeModeOf(reader),
  }
}

/** Answer to GET_PRODUCER_CONNECTION_LIST. */
export interface ProducerConnection {
  readonly connectionSet: readonly ClientConnection[]
}

export const encodeProducerConnection = (body: ProducerConnection): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeProducerConnection = (body: Buffer | string): ProducerConnection => ({
  connectionSet: JsonReader.of(body, 'ProducerConnection').list('connectionSet', connectionOf),
})

/** One connected producer. */
export interface ProducerInfo {
  readonly clientId: string
  readonly remoteIP: string
  readonly language: string
  readonly version: number
  /** Ms since the epoch. */
  readonly lastUpdateTimestamp: number
}

/** Answer to GET_ALL_PRODUCER_INFO: producers by group. */
export interface ProducerTableInfo {
  readonly data: ReadonlyMap<string, readonly ProducerInfo[]>
}

const producerInfoOf = (value: JavaJson, what: string): ProducerInfo => {
  const reader = new JsonReader(value, what)
  return {
    clientId: reader.text('clientId', ''),
    remoteIP: reader.text('remoteIP', ''),
    language: reader.text('language', 'OTHER'),
    version: reader.number('version', 0),
    lastUpdateTimestamp: reader.number('lastUpdateTimestamp', 0),
  }
}

export const encodeProducerTable = (body: ProducerTableInfo): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeProducerTable = (body: Buffer | string): ProducerTableInfo => ({
  data: JsonReader.of(body, 'ProducerTableInfo').table('data', (list, what) =>
    new JsonReader({ list }, what).list('list', producerInfoOf),
  ),
})
