import { readInt64 } from '../../protocol/int64.ts'
import { FileWindow } from './file-window.ts'

export const INDEX_HEADER_BYTES = 40
const SLOT_BYTES = 4
const ITEM_BYTES = 20
const DEFAULT_SLOTS = 5_000_000
/** Files up to this size are searched for their slot count when it is not given. */
const SEARCHED_BYTES = 64 << 20
/** Items come as (bytes - header - 4 slots) / 20, so that counts of slots are five apart. */
const SLOT_STEP = ITEM_BYTES / SLOT_BYTES

export interface IndexHeader {
  readonly beginTimestamp: number
  readonly endTimestamp: number
  readonly beginPhysicalOffset: number
  readonly endPhysicalOffset: number
  /** Number of the next item; items count from 1. */
  readonly count: number
}

export interface IndexItem {
  readonly keyHash: number
  readonly physicalOffset: number
  /** Since the header's begin time. */
  readonly seconds: number
  /** Older item of the same slot, 0 for none. */
  readonly previous: number
}

/** One index file. Its slot count is not written anywhere: it is given, Java's default, or found out. */
export class IndexReader implements Disposable {
  readonly path: string
  readonly header: IndexHeader
  /** Undefined when it cannot be told. */
  readonly slots: number | undefined
  readonly #file: FileWindow

  constructor(path: string, slots?: number) {
    this.path = path
    this.#file = new FileWindow(path)
    try {
      this.header = this.#readHeader()
      this.slots = slots ?? this.#findSlots()
    } catch (error) {
      this.#file.close()
      throw error
    }
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  /** How many items fit, the unused one with number 0 among them; undefined without a slot count. */
  get items(): number | undefined {
    return this.slots === undefined
      ? undefined
      : (this.sizeBytes - INDEX_HEADER_BYTES - this.slots * SLOT_BYTES) / ITEM_BYTES
  }

  slot(slot: number): number {
    const at = INDEX_HEADER_BYTES + slot * SLOT_BYTES
    return this.#file.ensure(at, SLOT_BYTES) ? this.#file.buffer.readInt32BE(this.#file.index(at)) : 0
  }

  itemPosition(number: number, slots = this.slots ?? 0): number {
    return INDEX_HEADER_BYTES + slots * SLOT_BYTES + number * ITEM_BYTES
  }

  item(number: number, slots = this.slots ?? 0): IndexItem | undefined {
    const at = this.itemPosition(number, slots)
    if (!this.#file.ensure(at, ITEM_BYTES)) return undefined
    const { buffer } = this.#file
    const index = this.#file.index(at)
    return {
      keyHash: buffer.readInt32BE(index),
      physicalOffset: readInt64(buffer, index + 4),
      seconds: buffer.readInt32BE(index + 12),
      previous: buffer.readInt32BE(index + 16),
    }
  }

  [Symbol.dispose](): void {
    this.#file.close()
  }

  #readHeader(): IndexHeader {
    if (!this.#file.ensure(0, INDEX_HEADER_BYTES)) {
      return { beginTimestamp: 0, endTimestamp: 0, beginPhysicalOffset: 0, endPhysicalOffset: 0, count: 0 }
    }
    const { buffer } = this.#file
    const at = this.#file.index(0)
    return {
      beginTimestamp: readInt64(buffer, at),
      endTimestamp: readInt64(buffer, at + 8),
      beginPhysicalOffset: readInt64(buffer, at + 16),
      endPhysicalOffset: readInt64(buffer, at + 24),
      count: buffer.readInt32BE(at + 36),
    }
  }

  #findSlots(): number | undefined {
    const most = Math.floor((this.sizeBytes - INDEX_HEADER_BYTES) / SLOT_BYTES)
    const isWhole = (slots: number): boolean => slots <= most && (most - slots) % SLOT_STEP === 0
    if (isWhole(DEFAULT_SLOTS) && (this.header.count <= 1 || this.#fits(DEFAULT_SLOTS))) return DEFAULT_SLOTS
    if (this.header.count <= 1 || this.sizeBytes > SEARCHED_BYTES) return undefined
    for (let slots = most % SLOT_STEP || SLOT_STEP; slots < most; slots += SLOT_STEP) {
      if (this.#fits(slots)) return slots
    }
    return undefined
  }

  /** Whether with so many slots the last item stands where the header says and its slot names it. */
  #fits(slots: number): boolean {
    const { count, endPhysicalOffset, beginPhysicalOffset } = this.header
    const last = this.item(count - 1, slots)
    if (last === undefined || last.physicalOffset !== endPhysicalOffset || last.keyHash < 0) return false
    if (this.item(1, slots)?.physicalOffset !== beginPhysicalOffset) return false
    return this.slot(last.keyHash % slots) === count - 1
  }
}
