import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader, numberOf } from './json-reader.ts'

/** What consumerFilter.json says of the filter of one group on one topic. */
export interface ConsumerFilterData {
  readonly topic: string
  readonly consumerGroup: string
  readonly expression: string
  readonly expressionType: string
  /** When it was registered, ms since the epoch. */
  readonly bornTime: number
  /** When its group went, ms since the epoch; 0 while it is there. */
  readonly deadTime: number
  /** Version of the subscription that it came with. */
  readonly clientVersion: number
  readonly bloomFilterData: { readonly bitNum: number; readonly bitPos: readonly number[] } | undefined
}

/** Whether the group of a filter has gone. */
export const isDead = ({ deadTime, bornTime }: ConsumerFilterData): boolean => deadTime >= bornTime

/** topic -> group -> filter */
export type ConsumerFilterTable = ReadonlyMap<string, ReadonlyMap<string, ConsumerFilterData>>

const filterDataOf = (value: JavaJson, what: string): ConsumerFilterData => {
  const reader = new JsonReader(value, what)
  const bloom = reader.object('bloomFilterData')
  return {
    topic: reader.text('topic', ''),
    consumerGroup: reader.text('consumerGroup', ''),
    expression: reader.text('expression', ''),
    expressionType: reader.text('expressionType', ''),
    bornTime: reader.number('bornTime', 0),
    deadTime: reader.number('deadTime', 0),
    clientVersion: reader.number('clientVersion', 0),
    bloomFilterData:
      bloom === undefined ? undefined : { bitNum: bloom.number('bitNum', 0), bitPos: bloom.list('bitPos', numberOf) },
  }
}

const filterJson = (filter: ConsumerFilterData): object => {
  const bloom = filter.bloomFilterData
  const bloomFilterData = bloom === undefined ? undefined : { ...bloom, bitPos: Int32Array.from(bloom.bitPos) }
  return { ...filter, bloomFilterData, dead: isDead(filter) }
}

/** One filter, as QUERY_CONSUME_QUEUE tells it. */
export const consumerFilterText = (filter: ConsumerFilterData): string =>
  stringifyJava(filterJson(filter), { pretty: true })

/** The content of consumerFilter.json. */
export const encodeConsumerFilters = (table: ConsumerFilterTable): Buffer => {
  const topics = [...table].map(([topic, groups]) => {
    const groupFilterData = new Map([...groups].map(([group, filter]) => [group, filterJson(filter)]))
    return [topic, { groupFilterData, topic }] as const
  })
  return Buffer.from(stringifyJava({ filterDataByTopic: new Map(topics) }, { pretty: true }))
}

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumerFilters = (text: Buffer | string): ConsumerFilterTable =>
  JsonReader.of(text, 'ConsumerFilterManager').table('filterDataByTopic', (value, what) =>
    new JsonReader(value, what).table('groupFilterData', filterDataOf),
  )
