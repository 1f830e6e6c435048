import { isUtf8 } from 'node:buffer'
import { copyBytes } from './copy-bytes.ts'
import { javaTableSize } from './java-hash-map-order.ts'
import { javaHashSpread, javaStringHash } from './java-string-hash.ts'
import { type PropertyChange, storedProperties } from './properties.ts'

const NAME_VALUE_BYTE = 1
const PROPERTY_BYTE = 2
const MIN_ENTRY_BYTES = 3
const MAX_ENTRIES = 64

interface Literal {
  readonly text: string
  readonly name: Buffer
  value: Buffer
  readonly hash: number
}

const literal = (name: string, value = ''): Literal => ({
  text: name,
  name: Buffer.from(name),
  value: Buffer.from(value),
  hash: javaHashSpread(javaStringHash(name)),
})

const equalBytes = (a: Buffer, aStart: number, b: Buffer, bStart: number, bytes: number): boolean => {
  for (let i = 0; i < bytes; i++) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}

/**
 * `storedProperties` on bytes, without strings and without allocation: what a broker stores of the properties of a
 * message. Also notes which of some watched properties the source has, and where.
 *
 * An instance is reused for every message of one thread; its results are valid until the next `rewrite`.
 */
export class PropertyRewriter {
  readonly #remove: readonly string[]
  readonly #removed: readonly Literal[]
  readonly #put: readonly Literal[]
  readonly #watched: readonly Literal[]
  readonly #nameStart = new Int32Array(MAX_ENTRIES)
  readonly #nameEnd = new Int32Array(MAX_ENTRIES)
  readonly #valueEnd = new Int32Array(MAX_ENTRIES)
  readonly #hash = new Int32Array(MAX_ENTRIES)
  /** Index into `#put` when the broker sets the value, else -1. */
  readonly #putIndex = new Int8Array(MAX_ENTRIES)
  readonly #order = new Uint8Array(MAX_ENTRIES)
  readonly #watchStart: Int32Array
  readonly #watchEnd: Int32Array
  #count = 0
  /** What was read, and whether it has to go through text. */
  #source: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0
  #isText = false

  /** @param watch at most 31 names whose presence in the source `rewrite` notes */
  constructor(change: PropertyChange, watch: readonly string[] = []) {
    this.#remove = change.remove
    this.#removed = change.remove.map((name) => literal(name))
    this.#put = change.put.map(([name, value]) => literal(name, value))
    this.#watched = watch.map((name) => literal(name))
    this.#watchStart = new Int32Array(watch.length)
    this.#watchEnd = new Int32Array(watch.length)
  }

  /** Another value for one of those that are put, by its place among them. An empty one: it is not put. */
  setPut(index: number, value: Buffer): void {
    this.#put[index]!.value = value
  }

  /** Bytes that a rewrite of `sourceBytes` bytes can need. */
  sizeBound(sourceBytes: number): number {
    let bytes = sourceBytes + 1
    for (const put of this.#put) bytes += put.name.length + put.value.length + 2
    // Invalid UTF-8 grows to three bytes for one when it goes through text.
    return bytes * 3
  }

  /** Start of a watched property's value in the source of the last `rewrite`; -1 when it has none. */
  watchedStart(watch: number): number {
    return this.#watchStart[watch]!
  }

  /** End of a watched property's value. */
  watchedEnd(watch: number): number {
    return this.#watchEnd[watch]!
  }

  /** Writes the stored form of the property text [start, end) at `at`, where `sizeBound` bytes are free; returns its end. */
  rewrite(source: Buffer, start: number, end: number, into: Buffer, at: number): number {
    this.read(source, start, end)
    return this.write(into, at)
  }

  /** The first half of `rewrite`: notes the watched properties. The source has to stay as it is until `write`. */
  read(source: Buffer, start: number, end: number): void {
    this.#source = source
    this.#start = start
    this.#end = end
    this.#watchStart.fill(-1)
    this.#count = 0
    // Names that are not ASCII hash over UTF-16 units, bytes that are no UTF-8 are replaced, and very many properties
    // are not worth a fast path: text does all three.
    this.#isText = !this.#read(source, start, end)
    if (this.#isText) this.#watchAll(source, start, end)
  }

  /** The second half, once. With `keepsAll` nothing is removed. */
  write(into: Buffer, at: number, keepsAll = false): number {
    const source = this.#source
    if (this.#isText || !this.#putAll(source)) return this.#writeText(into, at, keepsAll)
    this.#sort()
    return this.#write(source, into, at, keepsAll)
  }

  #writeText(into: Buffer, at: number, keepsAll: boolean): number {
    const put = this.#put
      .filter(({ value }) => value.length > 0)
      .map(({ text, value }) => [text, value.toString()] as const)
    const text = this.#source.toString('utf8', this.#start, this.#end)
    return at + into.write(storedProperties(text, { remove: keepsAll ? [] : this.#remove, put }), at)
  }

  /** Notes the watched properties where `#read` gave up; a property after that one counts as well. */
  #watchAll(source: Buffer, start: number, end: number): void {
    if (this.#watched.length === 0) return
    for (let at = start; at < end; ) {
      let separator = -1
      let entryEnd = at
      for (; entryEnd < end && source[entryEnd] !== PROPERTY_BYTE; entryEnd++) {
        if (separator < 0 && source[entryEnd] === NAME_VALUE_BYTE) separator = entryEnd
      }
      if (separator > at && separator < entryEnd - 1) {
        const hash = javaHashSpread(javaStringHash(source.toString('latin1', at, separator)))
        this.#watch(source, at, separator, entryEnd, hash)
      }
      at = entryEnd + 1
    }
  }

  #read(source: Buffer, start: number, end: number): boolean {
    let at = start
    let allBits = 0
    while (at < end) {
      let separator = -1
      let hash = 0
      let bits = 0
      let entryEnd = at
      for (; entryEnd < end; entryEnd++) {
        const byte = source[entryEnd]!
        if (byte === PROPERTY_BYTE) break
        allBits |= byte
        if (separator >= 0) continue
        if (byte === NAME_VALUE_BYTE) {
          separator = entryEnd
        } else {
          hash = (Math.imul(hash, 31) + byte) | 0
          bits |= byte
        }
      }
      if (entryEnd - at >= MIN_ENTRY_BYTES && separator > at && separator < entryEnd - 1) {
        if (bits >= 0x80) return false
        if (!this.#set(source, at, separator, entryEnd, javaHashSpread(hash))) return false
      }
      at = entryEnd + 1
    }
    return allBits < 0x80 || isUtf8(source.subarray(start, end))
  }

  /** Adds an entry, or replaces the value of an equal name; false when there is no room. */
  #set(source: Buffer, nameStart: number, nameEnd: number, valueEnd: number, hash: number): boolean {
    this.#watch(source, nameStart, nameEnd, valueEnd, hash)
    let index = 0
    for (; index < this.#count; index++) {
      if (this.#hash[index] !== hash || this.#nameEnd[index]! - this.#nameStart[index]! !== nameEnd - nameStart)
        continue
      if (equalBytes(source, this.#nameStart[index]!, source, nameStart, nameEnd - nameStart)) break
    }
    if (index === MAX_ENTRIES) return false
    this.#nameStart[index] = nameStart
    this.#nameEnd[index] = nameEnd
    this.#valueEnd[index] = valueEnd
    this.#hash[index] = hash
    this.#putIndex[index] = -1
    if (index === this.#count) this.#count += 1
    return true
  }

  #watch(source: Buffer, nameStart: number, nameEnd: number, valueEnd: number, hash: number): void {
    for (let i = 0; i < this.#watched.length; i++) {
      const { name, hash: wanted } = this.#watched[i]!
      if (wanted !== hash || name.length !== nameEnd - nameStart) continue
      if (!equalBytes(name, 0, source, nameStart, name.length)) continue
      this.#watchStart[i] = nameEnd + 1
      this.#watchEnd[i] = valueEnd
    }
  }

  #isNamed(index: number, entry: Literal, source: Buffer): boolean {
    const bytes = entry.name.length
    if (this.#hash[index] !== entry.hash) return false
    const put = this.#putIndex[index]!
    if (put >= 0) return this.#put[put]!.name.equals(entry.name)
    const start = this.#nameStart[index]!
    return this.#nameEnd[index]! - start === bytes && equalBytes(entry.name, 0, source, start, bytes)
  }

  #putAll(source: Buffer): boolean {
    for (let i = 0; i < this.#put.length; i++) {
      const put = this.#put[i]!
      if (put.value.length === 0) continue
      let index = 0
      while (index < this.#count && !this.#isNamed(index, put, source)) index += 1
      if (index === MAX_ENTRIES) return false
      this.#hash[index] = put.hash
      this.#putIndex[index] = i
      if (index === this.#count) this.#count += 1
    }
    return true
  }

  /** Stable insertion sort by bucket: there are few entries. */
  #sort(): void {
    const mask = javaTableSize(this.#hash, this.#count) - 1
    for (let i = 0; i < this.#count; i++) {
      const bucket = this.#hash[i]! & mask
      let place = i
      for (; place > 0; place--) {
        const before = this.#order[place - 1]!
        if ((this.#hash[before]! & mask) <= bucket) break
        this.#order[place] = before
      }
      this.#order[place] = i
    }
  }

  #isRemoved(index: number, source: Buffer): boolean {
    for (let i = 0; i < this.#removed.length; i++) if (this.#isNamed(index, this.#removed[i]!, source)) return true
    return false
  }

  #write(source: Buffer, into: Buffer, at: number, keepsAll: boolean): number {
    let end = at
    for (let i = 0; i < this.#count; i++) {
      const index = this.#order[i]!
      if (!keepsAll && this.#isRemoved(index, source)) continue
      if (end > at) into[end++] = PROPERTY_BYTE
      const put = this.#putIndex[index]!
      end = put >= 0 ? copyPut(this.#put[put]!, into, end) : this.#copyEntry(index, source, into, end)
    }
    return end
  }

  #copyEntry(index: number, source: Buffer, into: Buffer, at: number): number {
    return copyBytes(source, this.#nameStart[index]!, this.#valueEnd[index]!, into, at)
  }
}

const copyPut = (put: Literal, into: Buffer, at: number): number => {
  const nameEnd = copyBytes(put.name, 0, put.name.length, into, at)
  into[nameEnd] = NAME_VALUE_BYTE
  return copyBytes(put.value, 0, put.value.length, into, nameEnd + 1)
}
