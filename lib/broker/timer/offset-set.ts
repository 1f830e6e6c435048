const CHUNK_BITS = 65_536
const WORDS = CHUNK_BITS / 32

interface Chunk {
  readonly words: Uint32Array
  count: number
}

/** A set of queue offsets, dense or sparse: one bit each, in chunks of 8 KiB that exist only while they have one. */
export class OffsetSet {
  #chunks: (Chunk | undefined)[] = []
  /** Number of the first chunk; -1 before there is one. */
  #base: number
  #size = 0
  #chunkCount = 0

  /** @param least nothing below it is ever added; default: what is added first */
  constructor(least?: number) {
    this.#base = least === undefined ? -1 : Math.floor(least / CHUNK_BITS)
  }

  get size(): number {
    return this.#size
  }

  get memoryBytes(): number {
    return this.#chunkCount * WORDS * 4 + this.#chunks.length * 8
  }

  /** The smallest; undefined when the set is empty. */
  get min(): number | undefined {
    return this.#base < 0 ? undefined : this.next(this.#base * CHUNK_BITS)
  }

  has(offset: number): boolean {
    const chunk = this.#chunks[Math.floor(offset / CHUNK_BITS) - this.#base]
    const bit = offset % CHUNK_BITS
    return chunk !== undefined && (chunk.words[bit >>> 5]! & (1 << (bit & 31))) !== 0
  }

  /** @throws {RangeError} below the least, or far below what is in the set or was last */
  add(offset: number): void {
    const number = Math.floor(offset / CHUNK_BITS)
    if (this.#base < 0) this.#base = number
    const index = number - this.#base
    if (index < 0) throw new RangeError(`offset ${offset} is below the first chunk`)
    while (this.#chunks.length <= index) this.#chunks.push(undefined)
    let chunk = this.#chunks[index]
    if (chunk === undefined) {
      chunk = { words: new Uint32Array(WORDS), count: 0 }
      this.#chunks[index] = chunk
      this.#chunkCount += 1
    }
    const bit = offset % CHUNK_BITS
    const mask = 1 << (bit & 31)
    if ((chunk.words[bit >>> 5]! & mask) !== 0) return
    chunk.words[bit >>> 5]! |= mask
    chunk.count += 1
    this.#size += 1
  }

  delete(offset: number): void {
    if (!this.has(offset)) return
    const index = Math.floor(offset / CHUNK_BITS) - this.#base
    const chunk = this.#chunks[index]!
    const bit = offset % CHUNK_BITS
    chunk.words[bit >>> 5]! &= ~(1 << (bit & 31))
    chunk.count -= 1
    this.#size -= 1
    if (chunk.count > 0) return
    this.#chunks[index] = undefined
    this.#chunkCount -= 1
    this.#dropLeading()
  }

  /** The smallest that is at least `from`. */
  next(from: number): number | undefined {
    if (this.#size === 0) return undefined
    const start = Math.max(from, this.#base * CHUNK_BITS)
    let bit = start % CHUNK_BITS
    for (let index = Math.floor(start / CHUNK_BITS) - this.#base; index < this.#chunks.length; index++) {
      const found = nextBit(this.#chunks[index], bit)
      if (found >= 0) return (this.#base + index) * CHUNK_BITS + found
      bit = 0
    }
    return undefined
  }

  #dropLeading(): void {
    let empty = 0
    while (empty < this.#chunks.length - 1 && this.#chunks[empty] === undefined) empty += 1
    if (empty === 0) return
    this.#chunks.splice(0, empty)
    this.#base += empty
  }
}

const nextBit = (chunk: Chunk | undefined, from: number): number => {
  if (chunk === undefined || chunk.count === 0) return -1
  for (let word = from >>> 5; word < WORDS; word++) {
    const bits = chunk.words[word]! & (word === from >>> 5 ? -1 << (from & 31) : -1)
    if (bits !== 0) return word * 32 + 31 - Math.clz32(bits & -bits)
  }
  return -1
}
