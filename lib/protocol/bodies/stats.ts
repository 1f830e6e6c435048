import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader, tableOf } from './json-reader.ts'
import { type MessageQueue, queueKeyed } from './message-queue.ts'

/** Bounds of one queue. */
export interface TopicOffset {
  readonly minOffset: number
  readonly maxOffset: number
  /** Store time of the last message, ms since the epoch; 0 when there is none. */
  readonly lastUpdateTimestamp: number
}

/** Answer to GET_TOPIC_STATS_INFO. */
export interface TopicStatsTable {
  readonly offsetTable: ReadonlyMap<MessageQueue, TopicOffset>
}

const topicOffsetOf = (value: JavaJson, what: string): TopicOffset => {
  const reader = new JsonReader(value, what)
  return {
    minOffset: reader.number('minOffset', 0),
    maxOffset: reader.number('maxOffset', 0),
    lastUpdateTimestamp: reader.number('lastUpdateTimestamp', 0),
  }
}

export const encodeTopicStats = (body: TopicStatsTable): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeTopicStats = (body: Buffer | string): TopicStatsTable => {
  const table = JsonReader.of(body, 'TopicStatsTable').table('offsetTable', topicOffsetOf)
  return { offsetTable: queueKeyed(table, 'TopicStatsTable') }
}

/** How far a group is in one queue. */
export interface OffsetWrapper {
  readonly brokerOffset: number
  readonly consumerOffset: number
  /** Store time of the last consumed message, ms since the epoch. */
  readonly lastTimestamp: number
  /** Written by 5.x only. */
  readonly pullOffset?: number
}

/** Answer to GET_CONSUME_STATS. */
export interface ConsumeStats {
  readonly consumeTps: number
  readonly offsetTable: ReadonlyMap<MessageQueue, OffsetWrapper>
}

const offsetWrapperOf = (value: JavaJson, what: string): OffsetWrapper => {
  const reader = new JsonReader(value, what)
  const pullOffset = reader.number('pullOffset', undefined)
  return {
    brokerOffset: reader.number('brokerOffset', 0),
    consumerOffset: reader.number('consumerOffset', 0),
    lastTimestamp: reader.number('lastTimestamp', 0),
    ...(pullOffset === undefined ? {} : { pullOffset }),
  }
}

const consumeStatsOf = (value: JavaJson, what: string): ConsumeStats => {
  const reader = new JsonReader(value, what)
  return {
    consumeTps: reader.number('consumeTps', 0),
    offsetTable: queueKeyed(reader.table('offsetTable', offsetWrapperOf), what),
  }
}

export const encodeConsumeStats = (body: ConsumeStats): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumeStats = (body: Buffer | string): ConsumeStats =>
  consumeStatsOf(JsonReader.of(body, 'ConsumeStats').members as JavaJson, 'ConsumeStats')

/** Answer to GET_BROKER_CONSUME_STATS. */
export interface ConsumeStatsList {
  readonly brokerAddr: string
  readonly totalDiff: number
  /** Each element: statistics by group. */
  readonly consumeStatsList: readonly ReadonlyMap<string, readonly ConsumeStats[]>[]
}

export const encodeConsumeStatsList = (body: ConsumeStatsList): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumeStatsList = (body: Buffer | string): ConsumeStatsList => {
  const reader = JsonReader.of(body, 'ConsumeStatsList')
  return {
    brokerAddr: reader.text('brokerAddr', ''),
    totalDiff: reader.number('totalDiff', 0),
    consumeStatsList: reader.list('consumeStatsList', (value, what) =>
      tableOf(value, what, (list) => new JsonReader({ list }, what).list('list', consumeStatsOf)),
    ),
  }
}
