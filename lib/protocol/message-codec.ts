import { bodyCrc } from './crc32.ts'
import type { HostAddress } from './host-address.ts'
import { readInt64, writeInt64 } from './int64.ts'
import { decodeProperties, encodeProperties, MAX_PROPERTIES_BYTES } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { MessageSysFlag } from './sys-flags.ts'

export { type BatchMessage, type BatchVisitor, encodeBatch, forEachBatchMessage } from './batch-codec.ts'
export { deflateBody, inflateBody } from './compression.ts'
export {
  createUniqId,
  decodeOffsetMessageId,
  encodeOffsetMessageId,
  UniqIds,
  uniqIdAddress,
  uniqIdBornTime,
} from './message-ids.ts'

/** Magic of a record whose topic length is one byte. */
export const MAGIC_V1 = 0xdaa320a7 | 0
/** Magic of a record whose topic length is two bytes; written by 5.x for topics over 127 bytes. */
export const MAGIC_V2 = 0xdaa320ab | 0
/** Magic of the filler at the end of a commit log file. */
export const MAGIC_BLANK = 0xcbd43194 | 0

const SYS_FLAG_AT = 36
const BORN_HOST_AT = 48
/** Everything of a record but hosts, body, topic with its length, and properties. */
const FIXED_BYTES = 82

/** A record of the commit log, decoded. Numbers are as stored; body and addresses are views of the source. */
export interface StoredMessage {
  readonly sizeBytes: number
  readonly magic: number
  /** CRC-32 of the stored body, top bit cleared. */
  readonly bodyCrc: number
  readonly queueId: number
  readonly flag: number
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly sysFlag: number
  /** Milliseconds since the epoch, by the client's clock. */
  readonly bornTimestamp: number
  readonly bornHost: HostAddress
  /** Milliseconds since the epoch, by the broker's clock. */
  readonly storeTimestamp: number
  readonly storeHost: HostAddress
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  /** As stored: compressed where `sysFlag` says so (see `inflateBody`). */
  readonly body: Buffer
  readonly topic: string
  readonly properties: ReadonlyMap<string, string>
}

const illegal = (why: string): ProtocolError =>
  new ProtocolError('RECORD_ILLEGAL', `the stored record is illegal: ${why}`)

const checked = (at: number, length: number, end: number, what: string): number => {
  if (length < 0 || at + length > end) throw illegal(`${what} of ${length} bytes leaves the record`)
  return at + length
}

const host = (buffer: Buffer, at: number, addressLength: number): HostAddress => ({
  bytes: buffer.subarray(at, at + addressLength),
  port: buffer.readInt32BE(at + addressLength),
})

/**
 * Decodes the record that starts at `start`. Reads nothing at or beyond `end`.
 * @throws {ProtocolError} `RECORD_ILLEGAL`
 */
export const decodeRecord = (buffer: Buffer, start = 0, end = buffer.length): StoredMessage => {
  if (end - start < FIXED_BYTES) throw illegal(`${end - start} bytes are less than any record has`)
  const sizeBytes = buffer.readInt32BE(start)
  const magic = buffer.readInt32BE(start + 4)
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) throw illegal(`magic ${(magic >>> 0).toString(16)} is unknown`)
  if (sizeBytes < FIXED_BYTES || sizeBytes > end - start) throw illegal(`size ${sizeBytes} of ${end - start} bytes`)
  const recordEnd = start + sizeBytes
  const sysFlag = buffer.readInt32BE(start + SYS_FLAG_AT)
  const bornLength = sysFlag & MessageSysFlag.BORN_HOST_V6 ? 16 : 4
  const storeLength = sysFlag & MessageSysFlag.STORE_HOST_V6 ? 16 : 4
  const storeTimestampAt = start + BORN_HOST_AT + bornLength + 4
  const reconsumeAt = storeTimestampAt + 8 + storeLength + 4
  const bodyAt = checked(reconsumeAt, 16, recordEnd, 'the fixed part')
  const topicLengthAt = checked(bodyAt, buffer.readInt32BE(bodyAt - 4), recordEnd, 'the body')
  const topicAt = checked(topicLengthAt, magic === MAGIC_V2 ? 2 : 1, recordEnd, 'the topic length')
  const topicLength = magic === MAGIC_V2 ? buffer.readUInt16BE(topicLengthAt) : buffer.readUInt8(topicLengthAt)
  const topicEnd = checked(topicAt, topicLength, recordEnd, 'the topic')
  const propertiesAt = checked(topicEnd, 2, recordEnd, 'the property length')
  const propertiesEnd = checked(propertiesAt, buffer.readInt16BE(topicEnd), recordEnd, 'the property text')
  return {
    sizeBytes,
    magic,
    bodyCrc: buffer.readInt32BE(start + 8),
    queueId: buffer.readInt32BE(start + 12),
    flag: buffer.readInt32BE(start + 16),
    queueOffset: readInt64(buffer, start + 20),
    physicalOffset: readInt64(buffer, start + 28),
    sysFlag,
    bornTimestamp: readInt64(buffer, start + 40),
    bornHost: host(buffer, start + BORN_HOST_AT, bornLength),
    storeTimestamp: readInt64(buffer, storeTimestampAt),
    storeHost: host(buffer, storeTimestampAt + 8, storeLength),
    reconsumeTimes: buffer.readInt32BE(reconsumeAt),
    preparedTransactionOffset: readInt64(buffer, reconsumeAt + 4),
    body: buffer.subarray(bodyAt, topicLengthAt),
    topic: buffer.toString('utf8', topicAt, topicEnd),
    properties: decodeProperties(buffer.toString('utf8', propertiesAt, propertiesEnd)),
  }
}

/**
 * Decodes records that follow each other, as a pull answer carries them.
 * @throws {ProtocolError} `RECORD_ILLEGAL`
 */
export const decodeRecords = (buffer: Buffer, start = 0, end = buffer.length): StoredMessage[] => {
  const records: StoredMessage[] = []
  for (let at = start; at < end; ) {
    const record = decodeRecord(buffer, at, end)
    records.push(record)
    at += record.sizeBytes
  }
  return records
}

/** What `encodeRecord` writes; sizes, magic, CRC and the host flags follow from it. */
export type RecordFields = Omit<StoredMessage, 'sizeBytes' | 'magic' | 'bodyCrc'>

/**
 * Encodes a record in the form of 4.9 (or of 5.x for topics over 127 bytes). Property order is that of the map.
 * @throws {ProtocolError} `PROPERTIES_TOO_LONG`
 */
export const encodeRecord = (fields: RecordFields): Buffer => {
  const topic = Buffer.from(fields.topic)
  const properties = Buffer.from(encodeProperties(fields.properties))
  if (properties.length > MAX_PROPERTIES_BYTES) {
    throw new ProtocolError(
      'PROPERTIES_TOO_LONG',
      `${properties.length} bytes of properties, at most ${MAX_PROPERTIES_BYTES} fit`,
    )
  }
  const isLongTopic = topic.length > 127
  const { bornHost, storeHost, body } = fields
  const size =
    FIXED_BYTES +
    bornHost.bytes.length +
    storeHost.bytes.length +
    body.length +
    topic.length +
    properties.length +
    (isLongTopic ? 2 : 1)
  const record = Buffer.allocUnsafe(size)
  record.writeInt32BE(size, 0)
  record.writeInt32BE(isLongTopic ? MAGIC_V2 : MAGIC_V1, 4)
  record.writeInt32BE(bodyCrc(body), 8)
  record.writeInt32BE(fields.queueId, 12)
  record.writeInt32BE(fields.flag, 16)
  writeInt64(record, fields.queueOffset, 20)
  writeInt64(record, fields.physicalOffset, 28)
  record.writeInt32BE(hostFlags(fields), SYS_FLAG_AT)
  let at = writeHost(record, bornHost, writeInt64(record, fields.bornTimestamp, 40))
  at = writeHost(record, storeHost, writeInt64(record, fields.storeTimestamp, at))
  at = writeInt64(record, fields.preparedTransactionOffset, record.writeInt32BE(fields.reconsumeTimes, at))
  at = record.writeInt32BE(body.length, at)
  at += body.copy(record, at)
  at = isLongTopic ? record.writeUInt16BE(topic.length, at) : record.writeUInt8(topic.length, at)
  at += topic.copy(record, at)
  at = record.writeInt16BE(properties.length, at)
  properties.copy(record, at)
  return record
}

const hostFlags = ({ sysFlag, bornHost, storeHost }: RecordFields): number => {
  const plain = sysFlag & ~(MessageSysFlag.BORN_HOST_V6 | MessageSysFlag.STORE_HOST_V6)
  const born = bornHost.bytes.length === 16 ? MessageSysFlag.BORN_HOST_V6 : 0
  const store = storeHost.bytes.length === 16 ? MessageSysFlag.STORE_HOST_V6 : 0
  return plain | born | store
}

const writeHost = (record: Buffer, { bytes, port }: HostAddress, at: number): number => {
  bytes.copy(record, at)
  return record.writeInt32BE(port, at + bytes.length)
}
