import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { type DataVersion, dataVersionOf } from './data-version.ts'
import { JsonReader, numberKeyed, numberOf, tableOf } from './json-reader.ts'

/** Where groups stand: the content of consumerOffset.json and the answer to GET_ALL_CONSUMER_OFFSET. */
export interface ConsumerOffsetWrapper {
  /** By `topic@group`, then by queue id: the queue offset to consume next. */
  readonly offsetTable: ReadonlyMap<string, ReadonlyMap<number, number>>
  /** Written by 5.x only. */
  readonly dataVersion?: DataVersion
}

const versionOf = (reader: JsonReader): { dataVersion?: DataVersion } => {
  const value = reader.members.dataVersion ?? null
  return value === null ? {} : { dataVersion: dataVersionOf(value) }
}

const queueOffsetsOf = (value: JavaJson, what: string): Map<number, number> =>
  numberKeyed(tableOf(value, what, numberOf), what)

/** @param pretty the form of consumerOffset.json */
export const encodeConsumerOffsets = (wrapper: ConsumerOffsetWrapper, pretty = false): Buffer =>
  Buffer.from(stringifyJava(wrapper, { pretty }))

const FILE_START = '{\n\t"offsetTable":{\n\t\t'
const FILE_END = '\n\t}\n}'

/**
 * The content of consumerOffset.json in parts, for tables that are too large to be written at once.
 * @param perPart entries of the table in one part
 */
export function* consumerOffsetParts(
  entries: readonly (readonly [string, ReadonlyMap<number, number>])[],
  perPart: number,
): Iterable<Buffer> {
  if (entries.length === 0) {
    yield encodeConsumerOffsets({ offsetTable: new Map() }, true)
    return
  }
  for (let at = 0; at < entries.length; at += perPart) {
    const text = stringifyJava({ offsetTable: new Map(entries.slice(at, at + perPart)) }, { pretty: true })
    const start = at === 0 ? FILE_START : ',\n\t\t'
    const end = at + perPart >= entries.length ? FILE_END : ''
    yield Buffer.from(start + text.slice(FILE_START.length, text.length - FILE_END.length) + end)
  }
}

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumerOffsets = (body: Buffer | string): ConsumerOffsetWrapper => {
  const reader = JsonReader.of(body, 'ConsumerOffsetSerializeWrapper')
  return { offsetTable: reader.table('offsetTable', queueOffsetsOf), ...versionOf(reader) }
}

/** Where delayed delivery stands: the content of delayOffset.json and the answer to GET_ALL_DELAY_OFFSET. */
export interface DelayOffsetWrapper {
  /** By delay level: the queue offset to deliver next. */
  readonly offsetTable: ReadonlyMap<number, number>
  readonly dataVersion?: DataVersion
}

/** @param pretty the form of delayOffset.json */
export const encodeDelayOffsets = (wrapper: DelayOffsetWrapper, pretty = false): Buffer =>
  Buffer.from(stringifyJava(wrapper, { pretty }))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeDelayOffsets = (body: Buffer | string): DelayOffsetWrapper => {
  const reader = JsonReader.of(body, 'DelayOffsetSerializeWrapper')
  const offsetTable = numberKeyed(reader.table('offsetTable', numberOf), 'DelayOffsetSerializeWrapper')
  return { offsetTable, ...versionOf(reader) }
}

/** Answer to QUERY_CORRECTION_OFFSET: offsets by queue id. */
export interface QueryCorrectionOffsetBody {
  /** Java's Long.MAX_VALUE stands for "no correction"; only a bigint writes it exactly. */
  readonly correctionOffsets: ReadonlyMap<number, number | bigint>
}

export const encodeQueryCorrectionOffset = (body: QueryCorrectionOffsetBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeQueryCorrectionOffset = (body: Buffer | string): QueryCorrectionOffsetBody => {
  const table = JsonReader.of(body, 'QueryCorrectionOffsetBody').table('correctionOffsets', numberOf)
  return { correctionOffsets: numberKeyed(table, 'QueryCorrectionOffsetBody') }
}
