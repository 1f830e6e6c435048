import { decodeRecord } from '../protocol/message-codec.ts'
import { KEY_SEPARATOR, PropertyName } from '../protocol/property-names.ts'
import { StoreError } from './store-error.ts'

/** A message as it is appended. */
export interface NewMessage {
  /** At most `maxBodyBytes` bytes. A string is stored as UTF-8. Copied before `append` returns. */
  readonly body: Uint8Array | string
  /** Letters, digits, `_`, `-`, `%` and `|`, 1 to 127 of them. Default: the store's `topic`. */
  readonly topic?: string | undefined
  /** 0 to 2,147,483,647; a topic has as many queues as were appended to. Default: the store's `queueId`. */
  readonly queueId?: number | undefined
  /** What `tags` of `read`, `scan` and `tail` select by. Not empty. */
  readonly tag?: string | undefined
  /** What `queryByKey` finds it by. Not empty, without blanks. */
  readonly keys?: string | readonly string[] | undefined
  /** Any other texts. Names and values are not empty; all properties with tag and keys take at most 32,767 bytes. */
  readonly properties?: Readonly<Record<string, string>> | undefined
  /** A 32-bit integer of the caller's own. Default 0. */
  readonly flag?: number | undefined
  /** The producer's time, milliseconds since the epoch. Default: now. */
  readonly bornTimestampMs?: number | undefined
}

/** The message with everything in it copied, born now when it does not say when. */
export const copyOfMessage = (message: NewMessage, nowMs: number): NewMessage => ({
  ...message,
  body: typeof message.body === 'string' ? message.body : Buffer.from(message.body),
  keys: typeof message.keys === 'object' ? [...message.keys] : message.keys,
  properties: message.properties === undefined ? undefined : { ...message.properties },
  bornTimestampMs: message.bornTimestampMs ?? nowMs,
})

/** A message as it is read. */
export interface LogMessage {
  readonly topic: string
  readonly queueId: number
  /** Its number within its queue. */
  readonly queueOffset: number
  /** Where its record starts in the log. */
  readonly physicalOffset: number
  /** Bytes of the whole record. */
  readonly sizeBytes: number
  /** When it was stored, milliseconds since the epoch. */
  readonly storeTimestampMs: number
  /** The producer's time, milliseconds since the epoch. */
  readonly bornTimestampMs: number
  /** The caller's own copy. As stored: a RocketMQ client may have compressed it, see `sysFlag`. */
  readonly body: Buffer
  readonly tag: string | undefined
  readonly keys: readonly string[]
  /** All but tag and keys. */
  readonly properties: Readonly<Record<string, string>>
  readonly flag: number
  /** RocketMQ's bits: 1 compressed, 4 + 8 transaction type, 16 and 32 IPv6 hosts. 0 for what this API appended. */
  readonly sysFlag: number
}

/**
 * Decodes the record in [start, end).
 *
 * @param copyBody whether the body must not be a view of `record`
 * @throws {StoreError} `STORE_CORRUPTION`
 */
export const decodeMessage = (record: Buffer, start: number, end: number, copyBody: boolean): LogMessage => {
  let stored: ReturnType<typeof decodeRecord>
  try {
    stored = decodeRecord(record, start, end)
  } catch (cause) {
    throw new StoreError('STORE_CORRUPTION', 'a record in the log cannot be decoded', { cause })
  }
  const properties = stored.properties as Map<string, string>
  const tag = properties.get(PropertyName.TAGS)
  const keys = properties.get(PropertyName.KEYS)
  properties.delete(PropertyName.TAGS)
  properties.delete(PropertyName.KEYS)
  return {
    topic: stored.topic,
    queueId: stored.queueId,
    queueOffset: stored.queueOffset,
    physicalOffset: stored.physicalOffset,
    sizeBytes: stored.sizeBytes,
    storeTimestampMs: stored.storeTimestamp,
    bornTimestampMs: stored.bornTimestamp,
    body: copyBody ? Buffer.from(stored.body) : stored.body,
    tag,
    keys: keys === undefined ? [] : keys.split(KEY_SEPARATOR).filter((key) => key !== ''),
    properties: Object.fromEntries(properties),
    flag: stored.flag,
    sysFlag: stored.sysFlag,
  }
}
