import type { HostAddress } from '../../protocol/host-address.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'

/** A message that is about to be stored, as the broker's own parts pass it among them. */
export interface NewMessage {
  readonly topic: string
  readonly queueId: number
  readonly flag: number
  /** Compression and transaction bits; the host bits follow from the addresses. */
  readonly sysFlag: number
  /** Milliseconds since the epoch, by the producer's clock. */
  readonly bornTimestampMs: number
  readonly bornHost: HostAddress
  /** How often it was consumed before. */
  readonly reconsumeTimes: number
  /** Where the half of a committed message stands in the log; 0 for all others. */
  readonly preparedTransactionOffset: number
  /** As it is to be stored: compressed where `sysFlag` says so. */
  readonly body: Buffer
  readonly properties: ReadonlyMap<string, string>
}

/** The message a stored record was made of, to be stored once more with changes. The body is a view of the record. */
export const newMessageOf = (record: StoredMessage, changes: Partial<NewMessage> = {}): NewMessage => ({
  topic: record.topic,
  queueId: record.queueId,
  flag: record.flag,
  sysFlag: record.sysFlag,
  bornTimestampMs: record.bornTimestamp,
  bornHost: record.bornHost,
  reconsumeTimes: record.reconsumeTimes,
  preparedTransactionOffset: 0,
  body: record.body,
  properties: record.properties,
  ...changes,
})

/** The properties with some set and some taken away. */
export const withProperties = (
  properties: ReadonlyMap<string, string>,
  put: Readonly<Record<string, string>>,
  remove: readonly string[] = [],
): Map<string, string> => {
  const changed = new Map([...properties, ...Object.entries(put)])
  for (const name of remove) changed.delete(name)
  return changed
}
