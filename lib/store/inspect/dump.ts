import { decodeRecord, type StoredMessage } from '../../protocol/message-codec.ts'
import { KEY_SEPARATOR, PropertyName } from '../../protocol/property-names.ts'
import { type LayoutOptions, readLayout, type StoreLayout } from './layout.ts'
import { LogReader } from './log-reader.ts'
import { walkLog } from './log-walk.ts'
import { propertiesOf, type RecordHead } from './record-reader.ts'

/** Which messages to take. All that are given must hold. */
export interface DumpFilter {
  readonly topic?: string | undefined
  readonly queueId?: number | undefined
  readonly tag?: string | undefined
  /** One of the message's keys, or its unique key. */
  readonly key?: string | undefined
  /** Store time in milliseconds since the epoch, at least. */
  readonly fromMs?: number | undefined
  /** Store time, less than. */
  readonly toMs?: number | undefined
  /** Physical offset, at least. */
  readonly fromOffset?: number | undefined
  /** Physical offset, less than. */
  readonly toOffset?: number | undefined
}

/** What a dump comes to. `message.body` is a copy of its own. */
export type DumpStep =
  | { readonly kind: 'message'; readonly message: StoredMessage }
  /** [from, to) of the log holds no readable record. */
  | { readonly kind: 'damage'; readonly from: number; readonly to: number | undefined; readonly reason: string }

const hasKey = (properties: ReadonlyMap<string, string>, key: string): boolean =>
  properties.get(PropertyName.UNIQ_KEY) === key ||
  (properties.get(PropertyName.KEYS)?.split(KEY_SEPARATOR).includes(key) ?? false)

const passesHead = (record: RecordHead, filter: DumpFilter): boolean =>
  (filter.topic === undefined || record.topic === filter.topic) &&
  (filter.queueId === undefined || record.queueId === filter.queueId) &&
  record.storeTimestamp >= (filter.fromMs ?? Number.NEGATIVE_INFINITY) &&
  record.storeTimestamp < (filter.toMs ?? Number.POSITIVE_INFINITY) &&
  record.physicalOffset >= (filter.fromOffset ?? 0)

/** The last segment that begins no later than the filter does: what comes before need not be read. */
const startOf = (layout: StoreLayout, { fromOffset, fromMs }: DumpFilter): number => {
  using log = new LogReader(layout)
  let start = layout.segments[0]?.start ?? 0
  if (fromOffset === undefined && fromMs === undefined) return start
  for (const segment of layout.segments) {
    const storedAt = log.record(segment.start)?.storeTimestamp
    const isTooFar =
      (fromOffset !== undefined && segment.start > fromOffset) ||
      (fromMs !== undefined && (storedAt === undefined || storedAt >= fromMs))
    if (isTooFar) break
    start = segment.start
  }
  return start
}

/**
 * The messages of a store that nobody has open, in the log's order. Damaged places are told of and passed over.
 * @throws {StoreError} `STORE_NOT_FOUND` when the directory holds no store
 */
export function* dumpStore(
  root: string,
  filter: DumpFilter = {},
  options: LayoutOptions = {},
): Generator<DumpStep, void, undefined> {
  const layout = readLayout(root, options)
  for (const step of walkLog(layout, { from: startOf(layout, filter), searchBytes: 1 << 20 })) {
    if (step.kind === 'end') return
    if (step.kind === 'torn') yield { kind: 'damage', from: step.at, to: undefined, reason: step.reason }
    else if (step.kind === 'gap') yield { ...step, kind: 'damage', reason: 'no file holds it' }
    else if (step.kind === 'damage') yield { kind: 'damage', from: step.from, to: step.to, reason: step.reason }
    else {
      const { record, file } = step
      if (record.physicalOffset >= (filter.toOffset ?? Number.POSITIVE_INFINITY)) return
      if (!passesHead(record, filter)) continue
      if (filter.tag !== undefined || filter.key !== undefined) {
        const properties = propertiesOf(file, record)
        if (filter.tag !== undefined && properties.get(PropertyName.TAGS) !== filter.tag) continue
        if (filter.key !== undefined && !hasKey(properties, filter.key)) continue
      }
      yield { kind: 'message', message: decodeRecord(file.read(record.position, record.sizeBytes)) }
    }
  }
}

/**
 * The one message that starts at a physical offset; undefined when no good record does.
 * @throws {StoreError} `STORE_NOT_FOUND` when the directory holds no store
 */
export const messageAt = (
  root: string,
  physicalOffset: number,
  options: LayoutOptions = {},
): StoredMessage | undefined => {
  using log = new LogReader(readLayout(root, options))
  const read = log.at(physicalOffset, true)
  return read?.kind === 'record' ? decodeRecord(log.bytes(read.record)) : undefined
}
