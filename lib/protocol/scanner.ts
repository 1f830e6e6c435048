import { isUtf8 } from 'node:buffer'
import type { Command, Field } from './command.ts'
import { SEEN_CODE, SEEN_EXT, SEEN_FLAG, SEEN_LANGUAGE, SEEN_OPAQUE, skipSimple, topLevelKey } from './header-keys.ts'
import {
  ABSENT,
  BACKSLASH,
  CLOSE_BRACE,
  COLON,
  COMMA,
  DIGIT_0,
  DIGIT_9,
  escapeEnd,
  integerEnd,
  integerValue,
  isTrueWord,
  MINUS,
  OPEN_BRACE,
  PLUS,
  plainTextEnd,
  QUOTE,
  skipBlank,
  unescapeText,
} from './json-bytes.ts'
import type { KnownTexts } from './known-texts.ts'
import { languageCodeOf } from './language-codes.ts'
import { MAX_EXT_FIELDS } from './outgoing-frame.ts'

/** Besides the OR of its bytes, a value's bits say whether it has escapes. */
const ESCAPED = 0x100
const NON_ASCII = 0x80
const KEY_BUCKETS = 256
/** So many digits are exact when summed up as a number. */
const EXACT_DIGITS = 15

interface SlotName {
  readonly slot: number
  readonly bytes: Buffer
}

const bucketOf = (first: number, last: number, length: number): number =>
  (first * 7 + last * 31 + length * 101) & (KEY_BUCKETS - 1)

/**
 * Reads the JSON headers of one command without JSON.parse, strings or allocation. One instance is used for all
 * requests of one thread; what it says is about the last header that `scan` returned true for, and only as long as that
 * buffer's bytes stay.
 *
 * Slots are the fields of the command's request table, by index in its order; `slotOf` gives them by name.
 */
export class HeaderScanner {
  /** Request code in the header; the caller checks that it is the command's. 0 when absent. */
  code = 0
  opaque = 0
  flag = 0
  version = 0
  readonly #fields: readonly Field<unknown>[]
  readonly #slots: ReadonlyMap<string, number>
  /** Slot of a one-letter key. */
  readonly #letters = new Int8Array(256).fill(ABSENT)
  readonly #names: readonly (readonly SlotName[])[]
  readonly #start: Int32Array
  readonly #end: Int32Array
  readonly #bits: Int32Array
  #buffer: Buffer = Buffer.alloc(0)
  #languageStart = ABSENT
  #languageEnd = 0
  #textBits = 0

  constructor(command: Command) {
    const names = Object.keys(command.request)
    this.#fields = names.map((name) => command.request[name] as Field<unknown>)
    this.#slots = new Map(names.map((name, slot) => [name, slot]))
    const buckets: SlotName[][] = Array.from({ length: KEY_BUCKETS }, () => [])
    for (const [slot, name] of names.entries()) {
      const bytes = Buffer.from(command.wireNames?.[name] ?? name)
      if (bytes.length === 1) this.#letters[bytes[0]!] = slot
      else buckets[bucketOf(bytes[0]!, bytes.at(-1)!, bytes.length)]!.push({ slot, bytes })
    }
    this.#names = buckets
    this.#start = new Int32Array(names.length).fill(ABSENT)
    this.#end = new Int32Array(names.length)
    this.#bits = new Int32Array(names.length)
  }

  /** Slot of a request field by its name in the command's table. @throws {RangeError} for a name that it has not */
  slotOf(name: string): number {
    const slot = this.#slots.get(name)
    if (slot === undefined) throw new RangeError(`the command has no field ${name}`)
    return slot
  }

  /**
   * Reads the header [start, end). False for anything out of the ordinary (nested values, keys given twice or with
   * escapes, values that are no text, integers that are none, bytes that are no JSON): the caller then uses the generic
   * codec, which decides.
   */
  scan(buffer: Buffer, start: number, end: number): boolean {
    this.#buffer = buffer
    for (let slot = 0; slot < this.#start.length; slot++) this.#start[slot] = ABSENT
    this.code = 0
    this.opaque = 0
    this.flag = 0
    this.version = 0
    this.#languageStart = ABSENT
    let at = skipBlank(buffer, start, end)
    if (buffer[at] !== OPEN_BRACE) return false
    at = skipBlank(buffer, at + 1, end)
    if (buffer[at] === CLOSE_BRACE) return skipBlank(buffer, at + 1, end) === end
    for (let seen = 0; ; ) {
      if (at >= end || buffer[at] !== QUOTE) return false
      const keyEnd = plainTextEnd(buffer, at + 1, end)
      if (keyEnd < 0) return false
      const key = topLevelKey(buffer, at + 1, keyEnd)
      if ((seen & key) !== 0) return false
      seen |= key
      at = skipBlank(buffer, keyEnd + 1, end)
      if (buffer[at] !== COLON) return false
      at = this.#topLevelValue(key, buffer, skipBlank(buffer, at + 1, end), end)
      if (at < 0) return false
      at = skipBlank(buffer, at, end)
      if (at >= end) return false
      if (buffer[at] === CLOSE_BRACE) return skipBlank(buffer, at + 1, end) === end
      if (buffer[at] !== COMMA) return false
      at = skipBlank(buffer, at + 1, end)
    }
  }

  /** Reads or skips the value at `at`; returns its end, -1 when the header is unusual. */
  #topLevelValue(key: number, buffer: Buffer, at: number, end: number): number {
    if (at >= end) return ABSENT
    if (key === SEEN_EXT) return buffer[at] === OPEN_BRACE ? this.#extFields(buffer, at + 1, end) : ABSENT
    if (key === 0) return skipSimple(buffer, at, end)
    if (key === SEEN_LANGUAGE) {
      if (buffer[at] !== QUOTE) return ABSENT
      const close = plainTextEnd(buffer, at + 1, end)
      this.#languageStart = at + 1
      this.#languageEnd = close
      return close < 0 ? ABSENT : close + 1
    }
    const valueEnd = integerEnd(buffer, at, end)
    if (valueEnd < 0) return ABSENT
    const value = integerValue(buffer, at, valueEnd)
    if ((value | 0) !== value) return ABSENT
    if (key === SEEN_CODE) this.code = value
    else if (key === SEEN_FLAG) this.flag = value
    else if (key === SEEN_OPAQUE) this.opaque = value
    else this.version = value
    return valueEnd
  }

  /** Reads the members of extFields from behind the brace; returns the end behind the closing brace. */
  #extFields(buffer: Buffer, start: number, end: number): number {
    let at = skipBlank(buffer, start, end)
    if (buffer[at] === CLOSE_BRACE && at < end) return at + 1
    for (let count = 1; count <= MAX_EXT_FIELDS; count++) {
      if (at >= end || buffer[at] !== QUOTE) return ABSENT
      const keyStart = at + 1
      // One-letter keys of the command need no search: none of them is a quote or a backslash.
      const isLetter = buffer[at + 2] === QUOTE && this.#letters[buffer[keyStart]!] !== ABSENT
      const keyEnd = isLetter ? at + 2 : plainTextEnd(buffer, keyStart, end)
      if (keyEnd < 0) return ABSENT
      at = keyEnd + 1
      if (buffer[at] !== COLON || buffer[at + 1] !== QUOTE) {
        at = skipBlank(buffer, at, end)
        if (buffer[at] !== COLON) return ABSENT
        at = skipBlank(buffer, at + 1, end) - 1
      }
      at += 1
      if (at >= end || buffer[at] !== QUOTE) return ABSENT
      const valueEnd = this.#text(buffer, at + 1, end)
      if (valueEnd < 0) return ABSENT
      const slot = this.#slotAt(buffer, keyStart, keyEnd)
      if (slot >= 0) {
        if (this.#start[slot] !== ABSENT) return ABSENT
        this.#start[slot] = at + 1
        this.#end[slot] = valueEnd
        this.#bits[slot] = this.#textBits
      }
      at = skipBlank(buffer, valueEnd + 1, end)
      if (at >= end) return ABSENT
      if (buffer[at] === CLOSE_BRACE) return at + 1
      if (buffer[at] !== COMMA) return ABSENT
      at = skipBlank(buffer, at + 1, end)
    }
    return ABSENT
  }

  /** Like `textEnd`, and notes the bits of the text. */
  #text(buffer: Buffer, start: number, end: number): number {
    let bits = 0
    for (let at = start; at < end; at++) {
      const byte = buffer[at]!
      if (byte > BACKSLASH || (byte > QUOTE && byte !== BACKSLASH)) {
        bits |= byte
      } else if (byte === QUOTE) {
        this.#textBits = bits
        return at
      } else if (byte === BACKSLASH) {
        at = escapeEnd(buffer, at, end)
        if (at < 0) return ABSENT
        bits |= ESCAPED
      } else if (byte < 0x20) {
        return ABSENT
      }
    }
    return ABSENT
  }

  #slotAt(buffer: Buffer, start: number, end: number): number {
    const length = end - start
    if (length === 0) return ABSENT
    const first = buffer[start]!
    if (length === 1) return this.#letters[first]!
    const bucket = this.#names[bucketOf(first, buffer[end - 1]!, length)]!
    for (let i = 0; i < bucket.length; i++) {
      const { slot, bytes } = bucket[i]!
      if (bytes.length !== length) continue
      let same = 0
      while (same < length && bytes[same] === buffer[start + same]) same += 1
      if (same === length) return slot
    }
    return ABSENT
  }

  /** Language code of the sender; undefined when it named none or one we do not know. */
  get language(): number | undefined {
    if (this.#languageStart < 0) return undefined
    return languageCodeOf(this.#buffer.toString('latin1', this.#languageStart, this.#languageEnd))
  }

  has(slot: number): boolean {
    return this.#start[slot] !== ABSENT
  }

  /** Where the raw bytes of the value begin, escapes as sent; -1 when it is absent. */
  start(slot: number): number {
    return this.#start[slot]!
  }

  /** Where the raw bytes of the value end. */
  end(slot: number): number {
    return this.#end[slot]!
  }

  /** Whether the raw bytes are the value: no escapes, only ASCII. */
  isPlain(slot: number): boolean {
    return this.#bits[slot]! < NON_ASCII
  }

  /** Value of an integer field; NaN when it is absent or no value of the field's type. */
  int(slot: number): number {
    const start = this.#start[slot]!
    if (start < 0) return Number.NaN
    const end = this.#end[slot]!
    const sign = this.#buffer[start]
    const first = sign === MINUS || sign === PLUS ? start + 1 : start
    if (end - first > EXACT_DIGITS || end === first) return this.#parsedInt(slot)
    let value = 0
    for (let at = first; at < end; at++) {
      const byte = this.#buffer[at]!
      if (byte < DIGIT_0 || byte > DIGIT_9) return this.#parsedInt(slot)
      value = value * 10 + (byte - DIGIT_0)
    }
    if (sign === MINUS) value = value === 0 ? 0 : -value
    return this.#fields[slot]!.type === 'int32' && (value | 0) !== value ? Number.NaN : value
  }

  /** Long, escaped or illegal integers go the generic way. */
  #parsedInt(slot: number): number {
    const value = this.#fields[slot]!.parse(this.string(slot))
    return typeof value === 'number' ? value : Number.NaN
  }

  /** Value of a boolean field, false when it is absent. */
  bool(slot: number): boolean {
    const start = this.#start[slot]!
    if (start < 0) return false
    if (this.isPlain(slot)) return isTrueWord(this.#buffer, start, this.#end[slot]!)
    return this.string(slot).toLowerCase() === 'true'
  }

  /** Value as text; empty when it is absent. */
  string(slot: number): string {
    const start = this.#start[slot]!
    if (start < 0) return ''
    const bits = this.#bits[slot]!
    if (bits < NON_ASCII) return this.#buffer.toString('latin1', start, this.#end[slot])
    if ((bits & ESCAPED) === 0) return this.#buffer.toString('utf8', start, this.#end[slot])
    return JSON.parse(this.#buffer.toString('utf8', start - 1, this.#end[slot]! + 1)) as string
  }

  /** Like `string`, for values that come again and again. */
  knownString(slot: number, known: KnownTexts): string {
    const start = this.#start[slot]!
    return start >= 0 && this.isPlain(slot) ? known.of(this.#buffer, start, this.#end[slot]!) : this.string(slot)
  }

  /** Bytes that `copyText` can need for a slot. */
  textBound(slot: number): number {
    // Only bytes that are no UTF-8 grow: each becomes U+FFFD, three bytes.
    const bytes = this.#end[slot]! - this.#start[slot]!
    return this.has(slot) ? ((this.#bits[slot]! & NON_ASCII) === 0 ? bytes : bytes * 3) : 0
  }

  /** Writes the value as UTF-8 at `at`, where `textBound` bytes are free, and returns its end. */
  copyText(slot: number, into: Buffer, at: number): number {
    const start = this.#start[slot]!
    if (start < 0) return at
    const end = this.#end[slot]!
    const bits = this.#bits[slot]!
    if ((bits & NON_ASCII) !== 0 && !isUtf8(this.#buffer.subarray(start, end)))
      return at + into.write(this.string(slot), at)
    if ((bits & ESCAPED) !== 0) return unescapeText(this.#buffer, start, end, into, at)
    return at + this.#buffer.copy(into, at, start, end)
  }
}

/** Makes the scanner of a command. @throws {RangeError} when the command has over 127 fields */
export const compileScanner = (command: Command): HeaderScanner => {
  if (Object.keys(command.request).length > 127)
    throw new RangeError(`${command.name} has too many fields for a scanner`)
  return new HeaderScanner(command)
}
