import { isValidTopic } from '../../protocol/names.ts'
import type { DamageMap } from './damage.ts'
import { type ExpectedEntry, expectedEntries, isQueued, tagCodeOf } from './dispatch-rule.ts'
import { ExtensionReader } from './extension-reader.ts'
import type { FindingCode, Findings } from './findings.ts'
import type { StoreLayout } from './layout.ts'
import { ENTRY_BYTES, isFill, isLive, type QueueEntry, QueueReader } from './queue-reader.ts'
import type { RecordHead } from './record-reader.ts'
import type { RemovedTopics } from './removed-topics.ts'

const OPEN_QUEUES = 256

/** One bit for each queue offset from the queue's first, as many as were needed. */
class OffsetSet {
  #bits = new Uint8Array(64)

  /** False when it was there already. */
  add(index: number): boolean {
    const byte = index >>> 3
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2))
      grown.set(this.#bits)
      this.#bits = grown
    }
    const bit = 1 << (index & 7)
    const isNew = (this.#bits[byte]! & bit) === 0
    this.#bits[byte]! |= bit
    return isNew
  }

  has(index: number): boolean {
    return (this.#bits[index >>> 3]! & (1 << (index & 7))) !== 0
  }
}

interface QueueState {
  readonly reader: QueueReader
  /** Undefined for a queue without extension files. */
  readonly extension: ExtensionReader | undefined
  readonly seen: OffsetSet
  /** Queue offset behind the last live entry that has no hole before it; -1 until it was looked for. */
  end: number
}

/** Facts of the store that the check of queues needs. */
export interface QueueCheckContext {
  readonly layout: StoreLayout
  readonly findings: Findings
  readonly delayLevelsMs: readonly number[]
  /** Complete when the last record has gone through. */
  readonly damage: DamageMap
  readonly removed: RemovedTopics
  /** Physical offset of the log's first byte. */
  readonly logStart: number
}

/**
 * Holds queue entries against records, in both directions: every record goes through {@link record}, then
 * {@link finish} looks for entries that no record claimed. Memory: one bit for each entry.
 */
export class QueueCheck {
  readonly #context: QueueCheckContext
  readonly #states = new Map<string, QueueState>()
  /** Queues with an open file, least lately used first. */
  readonly #open = new Set<QueueState>()
  /** Entries held against a record. */
  entries = 0
  /** Entries of messages that the log no longer holds, has in quarantine or whose topic was removed, and fillers. */
  expired = 0
  /** Directories of queues whose files disagree with the log. */
  readonly damaged = new Set<string>()

  constructor(context: QueueCheckContext) {
    this.#context = context
    const extensions = new Map(context.layout.extensions.map((files) => [keyOf(files.topic, files.queueId), files]))
    for (const queue of context.layout.queues) {
      const key = keyOf(queue.topic, queue.queueId)
      const files = extensions.get(key)
      const extension = files === undefined ? undefined : new ExtensionReader(files)
      this.#states.set(key, { reader: new QueueReader(queue), extension, seen: new OffsetSet(), end: -1 })
    }
  }

  /** Holds the entries of one record against it. */
  record(record: RecordHead, properties: ReadonlyMap<string, string>): void {
    if (!isQueued(record)) return
    const { findings } = this.#context
    const where = { physicalOffset: record.physicalOffset }
    if (!isValidTopic(record.topic) || record.queueId < 0 || !(record.queueOffset >= 0)) {
      findings.add('error', 'QUEUE_RECORD_ILLEGAL', 'commitlog', 'the record names no possible queue', where)
      return
    }
    for (const expected of expectedEntries(record, properties)) {
      if (this.#isRemoved(expected, record)) this.#passOver(expected, record)
      else this.#hold(expected, record, properties)
    }
  }

  /**
   * After the last record: entries of no record, holes, files that do not fit. Entries of what was torn off the log, from
   * the physical offset `tornAt` on, do not make their queue a damaged one: they go with the tail. Nor do those of records
   * in a damaged place: they stay, so that their queue offsets are not given out again.
   */
  finish(tornAt = Number.POSITIVE_INFINITY): void {
    for (const state of this.#states.values()) {
      this.#files(state)
      this.#stray(state, tornAt)
      close(state)
    }
  }

  #isRemoved({ topic }: ExpectedEntry, { physicalOffset }: RecordHead): boolean {
    return physicalOffset < (this.#context.removed.ends.get(topic) ?? 0)
  }

  /** An entry of a removed topic may stand there until the next start of the store ends the removal. */
  #passOver({ topic, queueId, queueOffset }: ExpectedEntry, { physicalOffset }: RecordHead): void {
    const state = this.#states.get(keyOf(topic, queueId))
    const entry = state === undefined ? undefined : this.#use(state).reader.at(queueOffset)
    if (state === undefined || entry === undefined || !isLive(entry) || entry.physicalOffset !== physicalOffset) return
    if (state.seen.add(queueOffset - state.reader.first)) this.expired += 1
  }

  #hold(expected: ExpectedEntry, record: RecordHead, properties: ReadonlyMap<string, string>): void {
    const { findings } = this.#context
    const { topic, queueId, queueOffset } = expected
    const where = { physicalOffset: record.physicalOffset }
    const state = this.#states.get(keyOf(topic, queueId))
    const entry = state === undefined ? undefined : this.#use(state).reader.at(queueOffset)
    if (state === undefined || entry === undefined || !isLive(entry)) {
      this.#missing(expected, state, record)
      return
    }
    if (!state.seen.add(queueOffset - state.reader.first)) {
      const file = this.#nameOf(state, queueOffset)
      findings.add('warning', 'QUEUE_OFFSET_REPEATED', file, `a second record has queue offset ${queueOffset}`, where)
      return
    }
    this.entries += 1
    const wrong = differences(entry, record)
    if (wrong === undefined) this.#holdTagCode(expected, entry, state, record, properties)
    else this.#wrong('QUEUE_ENTRY_WRONG', wrong, expected, state, record)
  }

  /** The tag code of an entry that is otherwise right, in the entry or in its extension unit. */
  #holdTagCode(
    expected: ExpectedEntry,
    entry: QueueEntry,
    state: QueueState,
    record: RecordHead,
    properties: ReadonlyMap<string, string>,
  ): void {
    const { queueOffset } = expected
    const unit = entry.unitOffset === undefined ? undefined : state.extension?.at(entry.unitOffset)
    if (entry.unitOffset !== undefined && unit === undefined) {
      const message = `the entry of queue offset ${queueOffset} leads to no unit of consumequeue_ext: it passes every filter`
      this.#context.findings.add('warning', 'QUEUE_UNIT_MISSING', this.#nameOf(state, queueOffset), message, {
        physicalOffset: record.physicalOffset,
      })
      return
    }
    const { tagCode: found, storeTimestamp } = unit ?? { tagCode: entry.tagCode, storeTimestamp: record.storeTimestamp }
    const tagCode = tagCodeOf(record, properties, this.#context.delayLevelsMs)
    if (storeTimestamp !== record.storeTimestamp) {
      const what = `leads to a unit of store time ${storeTimestamp}, its record has ${record.storeTimestamp}`
      this.#wrong('QUEUE_UNIT_WRONG', what, expected, state, record)
    } else if (found !== tagCode) {
      // Which time a delay level stands for is configuration.
      const isPlausible = tagCode > 0x7fffffff && found >= record.storeTimestamp
      const what = `has tag code ${found}, its record ${tagCode}`
      this.#wrong('QUEUE_TAG_CODE', what, expected, state, record, isPlausible)
    }
  }

  #wrong(
    code: FindingCode,
    what: string,
    { queueOffset }: ExpectedEntry,
    state: QueueState,
    { physicalOffset }: RecordHead,
    isPlausible = false,
  ): void {
    if (!isPlausible) this.damaged.add(state.reader.queue.dir)
    const file = this.#nameOf(state, queueOffset)
    const { position } = state.reader.place(queueOffset) ?? {}
    const message = `the entry of queue offset ${queueOffset} ${what}`
    this.#context.findings.add(isPlausible ? 'warning' : 'error', code, file, message, { physicalOffset, position })
  }

  #missing({ topic, queueId, queueOffset }: ExpectedEntry, state: QueueState | undefined, record: RecordHead): void {
    const { findings, layout } = this.#context
    const file = `consumequeue/${topic}/${queueId}`
    const where = { physicalOffset: record.physicalOffset }
    const message = `the record of queue offset ${queueOffset} has no entry`
    const isBehind = state === undefined || queueOffset >= this.#endOf(state)
    if (layout.abort !== undefined && isBehind) {
      findings.add(
        'note',
        'QUEUE_BEHIND_LOG',
        file,
        `${message}; the store was not closed, its next start adds it`,
        where,
      )
      return
    }
    if (state !== undefined) this.damaged.add(state.reader.queue.dir)
    findings.add('error', 'QUEUE_ENTRY_MISSING', file, message, where)
  }

  #endOf(state: QueueState): number {
    if (state.end < 0) state.end = this.#use(state).reader.end()
    return state.end
  }

  #use(state: QueueState): QueueState {
    this.#open.delete(state)
    this.#open.add(state)
    if (this.#open.size > OPEN_QUEUES) {
      const [oldest] = this.#open
      close(oldest!)
      this.#open.delete(oldest!)
    }
    return state
  }

  #nameOf({ reader }: QueueState, queueOffset: number): string {
    return this.#context.layout.nameOf(reader.place(queueOffset)?.segment.path ?? reader.queue.dir)
  }

  /** Sizes and names of a queue's files. */
  #files({ reader }: QueueState): void {
    const { layout, findings } = this.#context
    const { files, fileBytes, dir } = reader.queue
    let expected = files[0]?.start ?? 0
    for (const { path, start, sizeBytes } of files) {
      const problem =
        sizeBytes !== fileBytes
          ? `has ${sizeBytes} bytes, the queue's files have ${fileBytes}`
          : start !== expected
            ? `begins at ${start}, the file before it ends at ${expected}`
            : undefined
      if (problem !== undefined) {
        this.damaged.add(dir)
        findings.add('error', 'QUEUE_FILES', layout.nameOf(path), problem)
      }
      expected = start + fileBytes
    }
  }

  /** Live entries that no record claimed, and anything behind the first place that is not live. */
  #stray(state: QueueState, tornAt: number): void {
    const { reader, seen } = state
    const { findings, logStart, damage } = this.#context
    for (let queueOffset = reader.first; queueOffset < reader.capacity; queueOffset++) {
      const entry = reader.at(queueOffset)
      if (entry === undefined) continue
      if (!isLive(entry)) {
        this.#hole(state, queueOffset)
        return
      }
      if (isFill(entry) || entry.physicalOffset < logStart) this.expired += 1
      else if (!seen.has(queueOffset - reader.first)) {
        const lost = damage.at(entry.physicalOffset)
        if (lost === 'quarantined') {
          this.expired += 1
          continue
        }
        if (lost === undefined && entry.physicalOffset < tornAt) this.damaged.add(reader.queue.dir)
        const message = `the entry of queue offset ${queueOffset} points to ${entry.physicalOffset}, where no record of this queue stands`
        findings.add('error', 'QUEUE_ENTRY_STRAY', this.#nameOf(state, queueOffset), message, {
          position: (queueOffset * ENTRY_BYTES) % Math.max(reader.queue.fileBytes, ENTRY_BYTES),
          physicalOffset: entry.physicalOffset,
        })
      }
    }
  }

  /** Looks for anything behind the first place that holds no entry. */
  #hole({ reader }: QueueState, queueOffset: number): void {
    const place = reader.place(queueOffset)!
    const { files, dir } = reader.queue
    const later = files.slice(files.indexOf(place.segment) + 1)
    const goesOn =
      reader.anythingBehind(place.segment, place.position) || later.some((file) => reader.anythingBehind(file, 0))
    if (!goesOn) return
    this.damaged.add(dir)
    const { findings, layout } = this.#context
    const file = layout.nameOf(place.segment.path)
    const message = `the entries end at queue offset ${queueOffset}, but something stands behind`
    findings.add('error', 'QUEUE_FILES', file, message, { position: place.position })
  }
}

const close = ({ reader, extension }: QueueState): void => {
  reader[Symbol.dispose]()
  extension?.[Symbol.dispose]()
}

const keyOf = (topic: string, queueId: number): string => `${topic}\n${queueId}`

const differences = (entry: QueueEntry, record: RecordHead): string | undefined => {
  if (entry.physicalOffset !== record.physicalOffset) {
    return `points to ${entry.physicalOffset}, its record stands at ${record.physicalOffset}`
  }
  if (entry.sizeBytes !== record.sizeBytes) return `says ${entry.sizeBytes} bytes, its record has ${record.sizeBytes}`
  return undefined
}
