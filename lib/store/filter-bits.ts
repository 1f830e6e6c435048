const MAX_ENTRIES = 0
const KNOWN_FROM = 1

/** What {@link FilterBits} is made of. */
export interface FilterBitsOptions {
  /** Bits of a whole bit map; one of another size says nothing. A multiple of 8. */
  readonly bitNum: number
  /** The filter's bits, 1 to 64, each below `bitNum`. */
  readonly bitPos: readonly number[]
  /** Bit maps of messages below this physical offset were made without the filter. */
  readonly knownFromOffset: number
  /** So were those of messages stored up to this time, in milliseconds since the epoch. */
  readonly bornTimeMs: number
}

/** The bits of a group's filter in the bit maps of queue entries: a pull skips entries that lack one. */
export class FilterBits {
  /** For the addon. */
  readonly cells: Float64Array

  constructor({ bitNum, bitPos, knownFromOffset, bornTimeMs }: FilterBitsOptions) {
    this.cells = Float64Array.of(0, knownFromOffset, bornTimeMs, bitNum, ...bitPos)
  }

  /** Most queue entries that the next pull looks at. */
  set maxEntries(count: number) {
    this.cells[MAX_ENTRIES] = count
  }

  /** From now on nothing is skipped: what is appended next may have bit maps of another filter at the same bits. */
  revoke(): void {
    this.cells[KNOWN_FROM] = Number.MAX_SAFE_INTEGER
  }
}

/** Pulls without a filter. */
export const NO_FILTER_BITS = new Float64Array(0)

/** A filter of the messages of one topic, and its bits. */
export interface StoreFilter {
  readonly topic: string
  readonly bitPos: readonly number[]
  /** See native/filter/program.h. */
  readonly program: Buffer
}

const VERSION = 1

/** The filters as the addon takes them; format: native/filter/filter_set.h. */
export const encodeFilters = (bitNum: number, filters: readonly StoreFilter[]): Buffer => {
  const parts: Buffer[] = [headOf(bitNum, filters.length)]
  for (const { topic, bitPos, program } of filters) {
    const name = Buffer.from(topic)
    const head = Buffer.alloc(2 + name.length + 2 + 4 * bitPos.length + 4)
    let at = head.writeUInt16BE(name.length)
    at += name.copy(head, at)
    at = head.writeUInt16BE(bitPos.length, at)
    for (const position of bitPos) at = head.writeUInt32BE(position, at)
    head.writeUInt32BE(program.length, at)
    parts.push(head, program)
  }
  return Buffer.concat(parts)
}

const headOf = (bitNum: number, filters: number): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUInt8(VERSION)
  head.writeUInt32BE(bitNum / 8, 1)
  head.writeUInt32BE(filters, 5)
  return head
}
