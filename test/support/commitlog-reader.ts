import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** One message record of a commit log or of a pull reply's body, every field as it stands there. */
export interface LogRecord {
  readonly sizeBytes: number
  readonly magic: number
  readonly bodyCrc: number
  readonly queueId: number
  readonly flag: number
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly sysFlag: number
  readonly bornTimestampMs: number
  /** IP bytes in hex, a bar, port. */
  readonly bornHost: string
  readonly storeTimestampMs: number
  /** IP bytes in hex, a bar, port. */
  readonly storeHost: string
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  readonly body: Buffer
  readonly topic: string
  readonly properties: string
  /** The whole record. */
  readonly raw: Buffer
  /** Where the fields that no two brokers can share begin, counted from the record's first byte. */
  readonly positions: {
    readonly bornPort: number
    readonly storeTimestamp: number
    readonly storeHost: number
    readonly reconsumeTimes: number
  }
}

/** V1 of a message record. */
export const MESSAGE_MAGIC = 0xdaa320a7
/** Of the filler at the end of a segment. */
export const BLANK_MAGIC = 0xcbd43194

const BORN_HOST_V6 = 0x10
const STORE_HOST_V6 = 0x20
const BORN_HOST_AT = 48

const host = (raw: Buffer, at: number, ipBytes: number): string =>
  `${raw.toString('hex', at, at + ipBytes)}|${raw.readInt32BE(at + ipBytes)}`

/**
 * Parses one V1 record that fills `raw`.
 * @throws Error when the lengths inside do not add up to the record's size.
 */
export const parseRecord = (raw: Buffer): LogRecord => {
  const sysFlag = raw.readInt32BE(36)
  const bornIpBytes = (sysFlag & BORN_HOST_V6) === 0 ? 4 : 16
  const storeIpBytes = (sysFlag & STORE_HOST_V6) === 0 ? 4 : 16
  const storeTimestampAt = BORN_HOST_AT + bornIpBytes + 4
  const storeHostAt = storeTimestampAt + 8
  const reconsumeTimesAt = storeHostAt + storeIpBytes + 4
  const bodyAt = reconsumeTimesAt + 16
  const topicAt = bodyAt + raw.readInt32BE(bodyAt - 4) + 1
  const propertiesAt = topicAt + raw.readUInt8(topicAt - 1) + 2
  const end = propertiesAt + raw.readInt16BE(propertiesAt - 2)
  if (end !== raw.length || raw.readInt32BE(0) !== raw.length) {
    throw new Error(`record says ${raw.readInt32BE(0)} bytes, its fields end at ${end}, it has ${raw.length}`)
  }
  return {
    sizeBytes: raw.length,
    magic: raw.readUInt32BE(4),
    bodyCrc: raw.readUInt32BE(8),
    queueId: raw.readInt32BE(12),
    flag: raw.readInt32BE(16),
    queueOffset: Number(raw.readBigInt64BE(20)),
    physicalOffset: Number(raw.readBigInt64BE(28)),
    sysFlag,
    bornTimestampMs: Number(raw.readBigInt64BE(40)),
    bornHost: host(raw, BORN_HOST_AT, bornIpBytes),
    storeTimestampMs: Number(raw.readBigInt64BE(storeTimestampAt)),
    storeHost: host(raw, storeHostAt, storeIpBytes),
    reconsumeTimes: raw.readInt32BE(reconsumeTimesAt),
    preparedTransactionOffset: Number(raw.readBigInt64BE(reconsumeTimesAt + 4)),
    body: raw.subarray(bodyAt, topicAt - 1),
    topic: raw.toString('utf8', topicAt, propertiesAt - 2),
    properties: raw.toString('utf8', propertiesAt, end),
    raw,
    positions: {
      bornPort: BORN_HOST_AT + bornIpBytes,
      storeTimestamp: storeTimestampAt,
      storeHost: storeHostAt,
      reconsumeTimes: reconsumeTimesAt,
    },
  }
}

/** The records of a pull or query reply's body, which follow each other without gaps. */
export const parseRecords = (bytes: Buffer): readonly LogRecord[] => {
  const records: LogRecord[] = []
  for (let at = 0; at < bytes.length; at += records.at(-1)!.sizeBytes) {
    records.push(parseRecord(bytes.subarray(at, at + bytes.readInt32BE(at))))
  }
  return records
}

/** A copy of the record without what two brokers cannot have in common: client port, store time, store host and port. */
export const masked = (record: LogRecord): Buffer => {
  const copy = Buffer.from(record.raw)
  const { bornPort, storeTimestamp, reconsumeTimes } = record.positions
  copy.fill(0, bornPort, bornPort + 4)
  copy.fill(0, storeTimestamp, reconsumeTimes)
  return copy
}

/** What a commit log folder holds. */
export interface CommitLogContent {
  readonly records: readonly LogRecord[]
  /** Filler at the ends of full segments: where it stands, and its two words in hex. */
  readonly blanks: readonly { readonly physicalOffset: number; readonly head: string }[]
}

/**
 * Reads all records of a commitlog folder up to the first word that is 0.
 * @throws Error when something else than a record or a filler stands where one must begin.
 */
export const readCommitLog = (folder: string): CommitLogContent => {
  const records: LogRecord[] = []
  const blanks: { physicalOffset: number; head: string }[] = []
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    const sizeBytes = statSync(path).size
    const file = openSync(path, 'r')
    try {
      const head = Buffer.alloc(8)
      for (let at = 0; at + 8 <= sizeBytes && readSync(file, head, 0, 8, at) === 8 && head.readInt32BE(0) !== 0; ) {
        const magic = head.readUInt32BE(4)
        if (magic === BLANK_MAGIC) {
          blanks.push({ physicalOffset: Number(name) + at, head: head.toString('hex') })
          break
        }
        if (magic !== MESSAGE_MAGIC) throw new Error(`${path} at ${at}: magic ${magic.toString(16)}`)
        const raw = Buffer.alloc(head.readInt32BE(0))
        readSync(file, raw, 0, raw.length, at)
        records.push(parseRecord(raw))
        at += raw.length
      }
    } finally {
      closeSync(file)
    }
  }
  return { records, blanks }
}
