import { crc32 } from 'node:zlib'
import { readInt64 } from '../../protocol/int64.ts'
import { MAGIC_BLANK, MAGIC_V1, MAGIC_V2 } from '../../protocol/message-codec.ts'
import { decodeProperties } from '../../protocol/properties.ts'
import { MessageSysFlag } from '../../protocol/sys-flags.ts'
import type { FileWindow } from './file-window.ts'

/** The fields of a record that queues and index are made of, and where its parts stand in its file. */
export interface RecordHead {
  readonly sizeBytes: number
  readonly queueId: number
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly sysFlag: number
  /** Milliseconds since the epoch, by the broker's clock. */
  readonly storeTimestamp: number
  readonly topic: string
  /** Position of the record in its file. */
  readonly position: number
  /** Position of its body in its file. */
  readonly bodyAt: number
  readonly bodyBytes: number
  readonly propertiesAt: number
  readonly propertiesBytes: number
}

/** What stands at a place of the log. */
export type RecordRead =
  | { readonly kind: 'record'; readonly record: RecordHead }
  | { readonly kind: 'blank' }
  /** Zeros: nothing was ever written. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'damaged'; readonly reason: string }

/** Bytes of every record but hosts, body, topic with its length, and properties. */
const FIXED_BYTES = 82
const WORDS_BYTES = 8
/** Fixed part up to the body with two IPv6 addresses. */
const MOST_HEAD_BYTES = FIXED_BYTES + 32
const BORN_HOST_AT = 48
const PORT_BYTES = 4

const bodyCrcOf = (file: FileWindow, at: number, length: number): number | undefined => {
  let crc = 0
  for (let done = 0; done < length; ) {
    const part = file.some(at + done, length - done)
    if (part.length === 0) return undefined
    crc = crc32(part, crc)
    done += part.length
  }
  return crc & 0x7fffffff
}

const damaged = (reason: string): RecordRead => ({ kind: 'damaged', reason })

/** A length field of one or two bytes or of four, -1 when the file ends before. */
const lengthAt = (file: FileWindow, at: number, bytes: 1 | 2 | 4): number => {
  if (!file.ensure(at, bytes)) return -1
  return bytes === 4 ? file.buffer.readInt32BE(file.index(at)) : file.buffer.readUIntBE(file.index(at), bytes)
}

/**
 * Reads what stands at a position of a log segment and checks all of it: magic, lengths that must add up, the physical
 * offset against the place, the body against its CRC unless `checkCrc` is false. Takes no memory for what a damaged
 * length claims.
 */
export const readRecordAt = (file: FileWindow, segmentStart: number, position: number, checkCrc = true): RecordRead => {
  if (!file.ensure(position, WORDS_BYTES)) return damaged('the file ends here')
  const words = file.index(position)
  const sizeBytes = file.buffer.readInt32BE(words)
  const magic = file.buffer.readInt32BE(words + 4)
  if (sizeBytes === 0 && magic === 0) return { kind: 'nothing' }
  if (magic === MAGIC_BLANK) {
    return position + sizeBytes === file.sizeBytes
      ? { kind: 'blank' }
      : damaged(`a filler of ${sizeBytes} bytes does not end with the file`)
  }
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return damaged(`the magic is ${(magic >>> 0).toString(16)}`)
  if (sizeBytes < FIXED_BYTES + 9) return damaged(`a record of ${sizeBytes} bytes is shorter than any`)
  if (position + sizeBytes > file.sizeBytes) return damaged(`a record of ${sizeBytes} bytes runs over the file's end`)
  return readParts(file, segmentStart, { position, sizeBytes, isLongTopic: magic === MAGIC_V2, checkCrc })
}

interface Frame {
  readonly position: number
  readonly sizeBytes: number
  readonly isLongTopic: boolean
  readonly checkCrc: boolean
}

const readParts = (file: FileWindow, segmentStart: number, frame: Frame): RecordRead => {
  const { position, sizeBytes } = frame
  const end = position + sizeBytes
  if (!file.ensure(position, Math.min(sizeBytes, MOST_HEAD_BYTES))) return damaged('the file ends here')
  const { buffer } = file
  const at = file.index(position)
  const sysFlag = buffer.readInt32BE(at + 36)
  const bornBytes = sysFlag & MessageSysFlag.BORN_HOST_V6 ? 16 : 4
  const storeBytes = sysFlag & MessageSysFlag.STORE_HOST_V6 ? 16 : 4
  const storeTimestampAt = BORN_HOST_AT + bornBytes + PORT_BYTES
  const bodyAt = storeTimestampAt + 8 + storeBytes + PORT_BYTES + 16
  if (bodyAt > sizeBytes) return damaged('the record is shorter than its fixed part')
  const physicalOffset = readInt64(buffer, at + 28)
  if (physicalOffset !== segmentStart + position) {
    return damaged(`the record says that it stands at ${physicalOffset}`)
  }
  const crc = buffer.readInt32BE(at + 8)
  const head = {
    sizeBytes,
    queueId: buffer.readInt32BE(at + 12),
    queueOffset: readInt64(buffer, at + 20),
    physicalOffset,
    sysFlag,
    storeTimestamp: readInt64(buffer, at + storeTimestampAt),
    position,
    bodyAt: position + bodyAt,
    bodyBytes: buffer.readInt32BE(at + bodyAt - 4),
  }
  const topicLengthAt = position + bodyAt + head.bodyBytes
  const lengthBytes = frame.isLongTopic ? 2 : 1
  if (head.bodyBytes < 0 || topicLengthAt + lengthBytes > end) return damaged('the body runs over the record')
  const topicBytes = lengthAt(file, topicLengthAt, lengthBytes)
  const topicAt = topicLengthAt + lengthBytes
  if (topicAt + topicBytes + 2 > end || !file.ensure(topicAt, topicBytes + 2)) {
    return damaged('the topic runs over the record')
  }
  const topicIndex = file.index(topicAt)
  const topic = file.buffer.toString('utf8', topicIndex, topicIndex + topicBytes)
  const propertiesBytes = file.buffer.readUInt16BE(topicIndex + topicBytes)
  const propertiesAt = topicAt + topicBytes + 2
  if (propertiesAt + propertiesBytes !== end) return damaged('the lengths do not add up to the size')
  if (frame.checkCrc && bodyCrcOf(file, position + bodyAt, head.bodyBytes) !== crc) {
    return damaged('the body does not match its CRC')
  }
  return { kind: 'record', record: { ...head, topic, propertiesAt, propertiesBytes } }
}

/** The properties of a record that {@link readRecordAt} has read. */
export const propertiesOf = (file: FileWindow, record: RecordHead): ReadonlyMap<string, string> =>
  decodeProperties(file.read(record.propertiesAt, record.propertiesBytes))

const MAGIC_HEAD = Buffer.from([0xda, 0xa3, 0x20])

/**
 * Position of the first undamaged record at or behind `from`, below `to`; -1 when there is none. What the file never
 * had written reads as zeros and is passed over quickly.
 */
export const findRecord = (file: FileWindow, segmentStart: number, from: number, to = file.sizeBytes): number => {
  const limit = Math.min(to, file.sizeBytes)
  for (let at = from + 4; at < limit; ) {
    if (!file.ensure(at, Math.min(MAGIC_HEAD.length, limit - at))) return -1
    const part = file.some(at, limit - at)
    if (part.length < MAGIC_HEAD.length) return -1
    const found = part.indexOf(MAGIC_HEAD)
    if (found < 0) {
      at += part.length - (MAGIC_HEAD.length - 1)
      continue
    }
    const position = at + found - 4
    if (readRecordAt(file, segmentStart, position).kind === 'record') return position
    at += found + 1
  }
  return -1
}
