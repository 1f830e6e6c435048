import { inflateBody } from '../protocol/compression.ts'
import type { StoredMessage } from '../protocol/message-codec.ts'
import { PropertyName } from '../protocol/property-names.ts'

/** A message as a filter function sees it. */
export interface FilterMessage {
  readonly topic: string
  readonly tags: string | undefined
  /** Separated by blanks. */
  readonly keys: string | undefined
  readonly properties: Readonly<Record<string, string>>
  readonly flag: number
  readonly queueId: number
  readonly queueOffset: number
  readonly reconsumeTimes: number
  /** Milliseconds since the epoch. */
  readonly bornTimestamp: number
  readonly storeTimestamp: number
  /** As the producer gave it, decompressed. @throws {ProtocolError} when it cannot be */
  readonly body: () => Buffer
}

/** What a filter sees of a stored record. */
export const filterMessageOf = (stored: StoredMessage): FilterMessage => ({
  topic: stored.topic,
  tags: stored.properties.get(PropertyName.TAGS),
  keys: stored.properties.get(PropertyName.KEYS),
  properties: Object.fromEntries(stored.properties),
  flag: stored.flag,
  queueId: stored.queueId,
  queueOffset: stored.queueOffset,
  reconsumeTimes: stored.reconsumeTimes,
  bornTimestamp: stored.bornTimestamp,
  storeTimestamp: stored.storeTimestamp,
  body: () => inflateBody(stored.sysFlag, stored.body),
})
