import { javaStringHash } from '../../protocol/java-string-hash.ts'
import { isLmqName, SystemTopic } from '../../protocol/names.ts'
import { KEY_SEPARATOR, PropertyName } from '../../protocol/property-names.ts'
import { MessageSysFlag, transactionType } from '../../protocol/sys-flags.ts'
import type { RecordHead } from './record-reader.ts'

/** Milliseconds of the delay levels that a Java broker has unless it is configured otherwise, level 1 first. */
export const DEFAULT_DELAY_LEVELS_MS: readonly number[] = [
  1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
].map((seconds) => seconds * 1000)

/** A queue entry that a record must have. */
export interface ExpectedEntry {
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
}

type Properties = ReadonlyMap<string, string>

/** Whether the record has an entry in its queue: prepared and rolled back messages have none. */
export const isQueued = ({ sysFlag }: RecordHead): boolean => {
  const type = transactionType(sysFlag)
  return type !== MessageSysFlag.TRANSACTION_PREPARED && type !== MessageSysFlag.TRANSACTION_ROLLBACK
}

/** Whether the record is indexed by its keys: all but rollbacks are. */
export const isIndexed = ({ sysFlag }: RecordHead): boolean =>
  transactionType(sysFlag) !== MessageSysFlag.TRANSACTION_ROLLBACK

/** The entries a record must have: its own queue's, and those of multi-dispatch queues. */
export const expectedEntries = (record: RecordHead, properties: Properties): ExpectedEntry[] => {
  if (!isQueued(record)) return []
  const { topic, queueId, queueOffset } = record
  const entries: ExpectedEntry[] = [{ topic, queueId, queueOffset }]
  const names = properties.get(PropertyName.INNER_MULTI_DISPATCH)?.split(',') ?? []
  const offsets = properties.get(PropertyName.INNER_MULTI_QUEUE_OFFSET)?.split(',') ?? []
  if (names.length !== offsets.length) return entries
  for (const [index, name] of names.entries()) {
    const offset = Number(offsets[index])
    if (isLmqName(name) && Number.isSafeInteger(offset)) entries.push({ topic: name, queueId: 0, queueOffset: offset })
  }
  return entries
}

/** Tag code of an entry: the tag's Java hash, and for delayed messages the time of delivery. */
export const tagCodeOf = (record: RecordHead, properties: Properties, delayLevelsMs: readonly number[]): number => {
  const tag = properties.get(PropertyName.TAGS)
  if (record.topic === SystemTopic.SCHEDULE && delayLevelsMs.length > 0) {
    const delay = properties.get(PropertyName.DELAY) ?? ''
    const level = Math.min(/^[+-]?\d+$/.test(delay) ? Number(delay) : 0, delayLevelsMs.length)
    if (level > 0) return record.storeTimestamp + delayLevelsMs[level - 1]!
  }
  return tag === undefined ? 0 : javaStringHash(tag)
}

/** Hash of an index key: the absolute of Java's hash of `TOPIC#KEY`, 0 for the one value that has none. */
export const indexKeyHash = (topic: string, key: string): number => {
  const hash = Math.abs(javaStringHash(`${topic}#${key}`))
  return hash > 0x7fffffff ? 0 : hash
}

/** The keys a record is indexed under: its unique key, then each of KEYS. */
export const indexKeysOf = (record: RecordHead, properties: Properties): string[] => {
  if (!isIndexed(record)) return []
  const unique = properties.get(PropertyName.UNIQ_KEY)
  const keys = properties.get(PropertyName.KEYS)?.split(KEY_SEPARATOR) ?? []
  return [...(unique === undefined ? [] : [unique]), ...keys.filter((key) => key !== '')]
}
