import type { DamageMap } from './damage.ts'
import { indexKeyHash, indexKeysOf } from './dispatch-rule.ts'
import type { Findings } from './findings.ts'
import { type IndexItem, IndexReader } from './index-reader.ts'
import type { StoreLayout } from './layout.ts'
import { LogReader } from './log-reader.ts'
import type { RecordHead } from './record-reader.ts'

const MOST_SECONDS = 0x7fffffff

export interface IndexCheckContext {
  readonly layout: StoreLayout
  readonly findings: Findings
  /** Complete when the last record has gone through. */
  readonly damage: DamageMap
  /** Physical offset of the log's first byte. */
  readonly logStart: number
  /** Slots of an index file; default what the files tell. */
  readonly indexSlots?: number | undefined
}

/** Tells what is wrong with an item. `isOwn`: the index itself is damaged, not the log alone. Default true. */
type SayItem = (message: string, isOwn?: boolean) => void

interface IndexRange {
  readonly from: number
  /** The last record's keys may be incomplete: an index ends anywhere. */
  readonly before: number
}

/**
 * Checks index files: header, slots, chains, each item against its record; and, with what {@link record} was told,
 * whether keys are missing.
 */
export class IndexCheck {
  readonly #context: IndexCheckContext
  readonly #range: IndexRange | undefined
  readonly #slotsBySize = new Map<number, number>()
  #expectedKeys = 0
  #keysBehind = 0
  #itemsInRange = 0
  #hasUnread = false
  /** Items held against a record. */
  items = 0
  /** Items of messages that the log no longer holds or has in quarantine. */
  expired = 0
  isDamaged = false

  constructor(context: IndexCheckContext) {
    this.#context = context
    this.#range = this.#readRange()
  }

  /** Counts the keys of a record. */
  record(record: RecordHead, properties: ReadonlyMap<string, string>): void {
    const range = this.#range
    if (range === undefined || record.physicalOffset < range.from || record.physicalOffset === range.before) return
    const keys = indexKeysOf(record, properties).length
    if (record.physicalOffset < range.before) this.#expectedKeys += keys
    else this.#keysBehind += keys
  }

  /** Checks the files. `onFile` is told of each. Items of damaged records do not make the index a damaged one. */
  finish(onFile: (path: string) => void = () => undefined): void {
    const { layout } = this.#context
    using log = new LogReader(layout)
    for (const path of layout.indexFiles) {
      onFile(path)
      this.#file(path, log)
    }
    this.#complete()
  }

  #readRange(): IndexRange | undefined {
    let from = Number.POSITIVE_INFINITY
    let before = -1
    for (const path of this.#context.layout.indexFiles) {
      using index = new IndexReader(path, this.#context.indexSlots)
      if (index.slots !== undefined) this.#slotsBySize.set(index.sizeBytes, index.slots)
      if (index.header.count <= 1) continue
      from = Math.min(from, index.header.beginPhysicalOffset)
      before = Math.max(before, index.header.endPhysicalOffset)
    }
    return before < 0 ? undefined : { from: Math.max(from, this.#context.logStart), before }
  }

  #file(path: string, log: LogReader): void {
    const { layout } = this.#context
    const name = layout.nameOf(path)
    using index = new IndexReader(path, this.#context.indexSlots ?? this.#knownSlots(path))
    const { header, slots, items } = index
    if (header.count <= 1 && header.count >= 0) return
    if (slots === undefined || items === undefined) {
      this.#hasUnread = true
      const message = `how many slots and items the file has cannot be told from its ${index.sizeBytes} bytes; give --index-slots`
      this.#damage('INDEX_SIZES_UNKNOWN', name, message)
      return
    }
    if (!Number.isInteger(items) || header.count < 0 || header.count > items || header.beginPhysicalOffset < 0) {
      this.#hasUnread = true
      this.#damage('INDEX_HEADER', name, `the header counts ${header.count} items, the file has place for ${items}`)
      return
    }
    if (header.endPhysicalOffset < header.beginPhysicalOffset || header.endTimestamp < header.beginTimestamp) {
      this.#context.findings.add('warning', 'INDEX_HEADER', name, 'the header ends before it begins')
    }
    this.#items(index, log, name, slots)
  }

  #knownSlots(path: string): number | undefined {
    using index = new IndexReader(path)
    return index.slots ?? this.#slotsBySize.get(index.sizeBytes)
  }

  /** Every item in order; the slots that they leave behind must be those of the file. */
  #items(index: IndexReader, log: LogReader, name: string, slots: number): void {
    const heads = new Int32Array(slots)
    let lastOffset = -1
    for (let number = 1; number < index.header.count; number++) {
      const item = index.item(number)!
      const position = index.itemPosition(number)
      const say: SayItem = (message, isOwn = true) => {
        this.isDamaged ||= isOwn
        const where = { position, physicalOffset: item.physicalOffset }
        this.#context.findings.add('error', 'INDEX_ITEM', name, `item ${number} ${message}`, where)
      }
      if (item.keyHash < 0 || item.seconds < 0 || item.physicalOffset < 0) {
        say('holds a negative number')
        continue
      }
      const slot = item.keyHash % slots
      if (item.previous !== heads[slot])
        say(`names item ${item.previous} as the one before it, which is ${heads[slot]}`)
      heads[slot] = number
      if (item.physicalOffset < lastOffset) say(`points to ${item.physicalOffset}, the one before it to ${lastOffset}`)
      lastOffset = Math.max(lastOffset, item.physicalOffset)
      this.#item(item, number === 1 ? undefined : index.header.beginTimestamp, log, say)
    }
    this.#slots(index, heads, name)
  }

  #item(item: IndexItem, beginTimestamp: number | undefined, log: LogReader, say: SayItem): void {
    if (item.physicalOffset < this.#context.logStart) {
      this.expired += 1
      return
    }
    const lost = this.#context.damage.at(item.physicalOffset)
    if (lost === 'quarantined') {
      this.expired += 1
      return
    }
    this.items += 1
    if (lost === 'damaged') {
      say(`points to ${item.physicalOffset}, where the log is damaged`, false)
      return
    }
    if (this.#range !== undefined && item.physicalOffset < this.#range.before) this.#itemsInRange += 1
    const record = log.record(item.physicalOffset)
    if (record === undefined) {
      say(`points to ${item.physicalOffset}, where no record stands`)
      return
    }
    const keys = indexKeysOf(record, log.properties(record))
    if (!keys.some((key) => indexKeyHash(record.topic, key) === item.keyHash)) {
      say(`has hash ${item.keyHash}, which no key of its record has`)
    }
    // The first item's time counts from the file before.
    if (beginTimestamp === undefined) return
    const seconds = Math.max(0, Math.min(Math.trunc((record.storeTimestamp - beginTimestamp) / 1000), MOST_SECONDS))
    if (item.seconds !== seconds) say(`says ${item.seconds} s, its record was stored after ${seconds} s`)
  }

  #slots(index: IndexReader, heads: Int32Array, name: string): void {
    for (let slot = 0; slot < heads.length; slot++) {
      const found = index.slot(slot)
      if (found === heads[slot]) continue
      const position = index.itemPosition(0, 0) + slot * 4
      this.#damage('INDEX_SLOT', name, `slot ${slot} names item ${found}, its newest is ${heads[slot]}`, position)
    }
  }

  #complete(): void {
    const { findings, layout } = this.#context
    if (this.#hasUnread || this.#range === undefined) return
    if (this.#itemsInRange < this.#expectedKeys) {
      const lacking = this.#expectedKeys - this.#itemsInRange
      findings.add('warning', 'INDEX_INCOMPLETE', 'index', `${lacking} keys of records in the log are not indexed`)
    }
    if (this.#keysBehind > 0) {
      const severity = layout.abort === undefined ? 'warning' : 'note'
      const message = `${this.#keysBehind} keys behind the index's end are not indexed`
      findings.add(severity, 'INDEX_INCOMPLETE', 'index', message)
    }
  }

  #damage(
    code: 'INDEX_HEADER' | 'INDEX_SLOT' | 'INDEX_SIZES_UNKNOWN',
    file: string,
    message: string,
    position?: number,
  ): void {
    this.isDamaged = true
    this.#context.findings.add('error', code, file, message, { position })
  }
}
