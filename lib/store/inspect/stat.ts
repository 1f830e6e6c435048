import { statSync } from 'node:fs'
import { IndexReader } from './index-reader.ts'
import { type LayoutOptions, readLayout, type StoreLayout } from './layout.ts'
import { LogReader } from './log-reader.ts'
import { walkLog } from './log-walk.ts'
import { readQuarantine } from './quarantine.ts'
import { QueueReader } from './queue-reader.ts'
import { readRemovedTopics } from './removed-topics.ts'
import { type CheckpointTimes, readCheckpoint } from './small-files.ts'
import type { Progress } from './verify.ts'

/** How closely to look. */
export interface StatOptions extends LayoutOptions {
  /** Whether every record is read. Default false: heads and tails only. */
  readonly full?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** One queue. Offsets are queue offsets. */
export interface QueueStat {
  readonly queueId: number
  /** First whose message the log still holds. */
  readonly minOffset: number
  /** Behind the last. */
  readonly maxOffset: number
}

/** One topic. */
export interface TopicStat {
  readonly topic: string
  /** Messages in its queues that the log still holds. */
  readonly messages: number
  readonly queues: readonly QueueStat[]
}

/** What a store holds. Times are milliseconds since the epoch. */
export interface StoreStat {
  readonly store: string
  readonly segments: number
  readonly segmentBytes: number
  /** Physical offset of the first byte, and the one behind the last record. */
  readonly logStart: number
  readonly logEnd: number
  readonly firstStoreTimestamp: number | undefined
  readonly lastStoreTimestamp: number | undefined
  /** Counted with `full` only. */
  readonly records: number | undefined
  /** Places where records are damaged or missing, with good ones behind; found with `full` only. */
  readonly damagedRanges: number | undefined
  /** Ranges that quarantine.json lists: the engine passes over them. */
  readonly quarantinedRanges: number
  /** Topics whose queues were removed while the log may still have their messages, below these physical offsets. */
  readonly removedTopics: readonly { readonly topic: string; readonly belowOffset: number }[]
  /** Messages in queues. */
  readonly messages: number
  readonly topics: readonly TopicStat[]
  readonly indexFiles: number
  readonly indexItems: number
  readonly checkpoint: CheckpointTimes | undefined
  /** Whether the store was closed in order: it has no abort file. */
  readonly wasClosed: boolean
  readonly configFiles: readonly string[]
  /** Bytes that the files occupy on the device. `recycled`: retired log segments that wait for another use. */
  readonly diskBytes: {
    readonly log: number
    readonly queues: number
    readonly index: number
    readonly checksums: number
    readonly recycled: number
    /** Java's extensions of queue entries. */
    readonly extensions: number
  }
  readonly notChecked: readonly string[]
}

interface QueueEnds {
  readonly topics: TopicStat[]
  /** Physical offset of the newest record that a queue knows of; -1 when none does. */
  readonly newest: number
}

const readQueues = (layout: StoreLayout, logStart: number): QueueEnds => {
  const byTopic = new Map<string, QueueStat[]>()
  let newest = -1
  for (const queue of layout.queues) {
    using reader = new QueueReader(queue)
    const maxOffset = reader.end()
    const minOffset = reader.min(maxOffset, logStart)
    if (maxOffset > minOffset) newest = Math.max(newest, reader.at(maxOffset - 1)?.physicalOffset ?? -1)
    const queues = byTopic.get(queue.topic) ?? []
    queues.push({ queueId: queue.queueId, minOffset, maxOffset })
    byTopic.set(queue.topic, queues)
  }
  const topics = [...byTopic].map(([topic, queues]) => ({
    topic,
    messages: queues.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0),
    queues: queues.sort((a, b) => a.queueId - b.queueId),
  }))
  return { topics, newest }
}

interface LogEnds {
  readonly logEnd: number
  readonly first: number | undefined
  readonly last: number | undefined
  readonly records: number
  readonly damagedRanges: number
}

/** A record to walk from that is near the log's end: the newest that a queue knows, else the last segment's first. */
const nearEnd = (layout: StoreLayout, newest: number, log: LogReader): number => {
  if (newest >= 0 && log.record(newest) !== undefined) return newest
  for (const { start } of [...layout.segments].reverse()) if (log.record(start) !== undefined) return start
  return layout.segments[0]?.start ?? 0
}

const readLog = (layout: StoreLayout, newest: number, options: StatOptions): LogEnds => {
  const logStart = layout.segments[0]?.start ?? 0
  using log = new LogReader(layout)
  const first = log.record(logStart)?.storeTimestamp
  const from = options.full ? logStart : nearEnd(layout, newest, log)
  const last = layout.segments.at(-1)
  const totalBytes = last === undefined ? 0 : last.start + last.sizeBytes - logStart
  const onSegment = ({ start }: { readonly start: number }): void =>
    options.onProgress?.({ what: 'commitlog', doneBytes: start - logStart, totalBytes })
  const ends = { logEnd: from, last: first, records: 0, damagedRanges: 0 }
  const searchBytes = options.full ? undefined : 1 << 20
  for (const step of walkLog(layout, { from, checkCrc: false, searchBytes, onSegment })) {
    if (step.kind === 'record') {
      ends.records += 1
      ends.logEnd = step.record.physicalOffset + step.record.sizeBytes
      ends.last = step.record.storeTimestamp
    } else if (step.kind === 'damage' || step.kind === 'gap') ends.damagedRanges += 1
  }
  return { ...ends, first }
}

const indexItems = (layout: StoreLayout): number => {
  let items = 0
  for (const path of layout.indexFiles) {
    using index = new IndexReader(path, 1)
    items += Math.max(0, index.header.count - 1)
  }
  return items
}

const occupied = (paths: readonly string[]): number => paths.reduce((sum, path) => sum + statSync(path).blocks * 512, 0)

/**
 * What a store that nobody has open holds, ours or Java's. Changes nothing.
 * @throws {StoreError} `STORE_NOT_FOUND` when the directory holds no store
 */
export const statStore = (root: string, options: StatOptions = {}): StoreStat => {
  const layout = readLayout(root, options)
  const logStart = layout.segments[0]?.start ?? 0
  const { topics, newest } = readQueues(layout, logStart)
  const ends = readLog(layout, newest, options)
  const sum = (files: readonly { readonly allocatedBytes: number }[]): number =>
    files.reduce((total, { allocatedBytes }) => total + allocatedBytes, 0)
  return {
    store: root,
    segments: layout.segments.length,
    segmentBytes: layout.segmentBytes,
    logStart,
    logEnd: ends.logEnd,
    firstStoreTimestamp: ends.first,
    lastStoreTimestamp: ends.last,
    records: options.full ? ends.records : undefined,
    damagedRanges: options.full ? ends.damagedRanges : undefined,
    quarantinedRanges: readQuarantine(layout).ranges.length,
    removedTopics: [...readRemovedTopics(layout).ends].map(([topic, belowOffset]) => ({ topic, belowOffset })),
    messages: topics.reduce((total, { messages }) => total + messages, 0),
    topics,
    indexFiles: layout.indexFiles.length,
    indexItems: indexItems(layout),
    checkpoint: layout.checkpoint === undefined ? undefined : readCheckpoint(layout.checkpoint),
    wasClosed: layout.abort === undefined,
    configFiles: layout.configFiles.map((path) => layout.nameOf(path)),
    diskBytes: {
      log: sum(layout.segments),
      queues: sum(layout.queues.flatMap(({ files }) => files)),
      index: occupied(layout.indexFiles),
      checksums: sum(layout.checksumFiles),
      recycled: occupied(layout.recycledFiles),
      extensions: sum(layout.extensions.flatMap(({ files }) => files)),
    },
    notChecked: layout.notChecked,
  }
}
