/** Byte-level JSON reading for the header scanner. Positions are indexes into the buffer; -1 says "not here". */

export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const COLON = 0x3a
export const COMMA = 0x2c
export const MINUS = 0x2d
export const PLUS = 0x2b
export const DIGIT_0 = 0x30
export const DIGIT_9 = 0x39
/** Instead of a position or slot: there is none. */
export const ABSENT = -1

const SMALL_U = 0x75
const HEX_INVALID = 0xff

/** Value of a hex digit; 0xff for other bytes. */
const hexValues = new Uint8Array(256).fill(HEX_INVALID)
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16)
  hexValues[text.charCodeAt(0)] = digit
  hexValues[text.toUpperCase().charCodeAt(0)] = digit
}

/** What a one-character escape stands for; 0 for none. */
const escapedBytes = new Uint8Array(256)
for (const [name, byte] of Object.entries({ '"': 0x22, '\\': 0x5c, '/': 0x2f, b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  escapedBytes[name.charCodeAt(0)] = byte
}

/** First position at or after `at` that is no JSON blank. */
export const skipBlank = (buffer: Buffer, at: number, end: number): number => {
  let to = at
  while (to < end) {
    const byte = buffer[to]!
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break
    to += 1
  }
  return to
}

/** Code unit of the four hex digits at `at`; -1 when they are not there. */
export const hexUnit = (buffer: Buffer, at: number, end: number): number => {
  if (at + 4 > end) return -1
  const a = hexValues[buffer[at]!]!
  const b = hexValues[buffer[at + 1]!]!
  const c = hexValues[buffer[at + 2]!]!
  const d = hexValues[buffer[at + 3]!]!
  return (a | b | c | d) > 15 ? -1 : (a << 12) | (b << 8) | (c << 4) | d
}

/** Last position of the escape whose backslash is at `at`; -1 when it is none. */
export const escapeEnd = (buffer: Buffer, at: number, end: number): number => {
  if (at + 1 >= end) return -1
  const kind = buffer[at + 1]!
  if (kind === SMALL_U) return hexUnit(buffer, at + 2, end) < 0 ? -1 : at + 5
  return escapedBytes[kind] === 0 ? -1 : at + 1
}

/** Closing quote of a text without escapes that begins at `at`; -1 for any other text. */
export const plainTextEnd = (buffer: Buffer, at: number, end: number): number => {
  for (let to = at; to < end; to++) {
    const byte = buffer[to]!
    if (byte > BACKSLASH) continue
    if (byte === QUOTE) return to
    if (byte === BACKSLASH || byte < 0x20) return -1
  }
  return -1
}

/** Closing quote of a text that begins at `at`, escapes allowed; -1 when it does not end or has an illegal byte. */
export const textEnd = (buffer: Buffer, at: number, end: number): number => {
  for (let to = at; to < end; to++) {
    const byte = buffer[to]!
    if (byte === QUOTE) return to
    if (byte < 0x20) return -1
    if (byte === BACKSLASH) {
      to = escapeEnd(buffer, to, end)
      if (to < 0) return -1
    }
  }
  return -1
}

/** End of a plain integer (no fraction, no exponent, no leading zero) at `at`; -1 for anything else. */
export const integerEnd = (buffer: Buffer, at: number, end: number): number => {
  const first = buffer[at] === MINUS ? at + 1 : at
  let to = first
  while (to < end && buffer[to]! >= DIGIT_0 && buffer[to]! <= DIGIT_9) to += 1
  if (to === first || to - first > 10 || to === end) return -1
  if (buffer[first] === DIGIT_0 && (to - first > 1 || first > at)) return -1
  const next = buffer[to]!
  return next === COMMA || next === CLOSE_BRACE || next <= 0x20 ? to : -1
}

/** Whether [start, end) is the word true, in any case: what Java's Boolean.parseBoolean takes for true. */
export const isTrueWord = (buffer: Buffer, start: number, end: number): boolean =>
  end - start === 4 &&
  (buffer[start]! | 0x20) === 0x74 &&
  (buffer[start + 1]! | 0x20) === 0x72 &&
  (buffer[start + 2]! | 0x20) === 0x75 &&
  (buffer[start + 3]! | 0x20) === 0x65

/** Value of the digits in [at, end), with an optional minus in front. At most 15 digits, so that it is exact. */
export const integerValue = (buffer: Buffer, at: number, end: number): number => {
  const isNegative = buffer[at] === MINUS
  let value = 0
  for (let to = isNegative ? at + 1 : at; to < end; to++) value = value * 10 + (buffer[to]! - DIGIT_0)
  return isNegative ? -value : value
}

/** Writes a code point as UTF-8 and returns the end. */
const writeUtf8 = (point: number, into: Buffer, at: number): number => {
  if (point < 0x80) {
    into[at] = point
    return at + 1
  }
  if (point < 0x800) {
    into[at] = 0xc0 | (point >> 6)
    into[at + 1] = 0x80 | (point & 0x3f)
    return at + 2
  }
  if (point < 0x10000) {
    into[at] = 0xe0 | (point >> 12)
    into[at + 1] = 0x80 | ((point >> 6) & 0x3f)
    into[at + 2] = 0x80 | (point & 0x3f)
    return at + 3
  }
  into[at] = 0xf0 | (point >> 18)
  into[at + 1] = 0x80 | ((point >> 12) & 0x3f)
  into[at + 2] = 0x80 | ((point >> 6) & 0x3f)
  into[at + 3] = 0x80 | (point & 0x3f)
  return at + 4
}

const REPLACEMENT = 0xfffd
const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000

/**
 * Writes what the text in [start, end), checked by `textEnd`, stands for; half surrogates become U+FFFD. Needs at most
 * end - start bytes at `at`. Returns the end.
 */
export const unescapeText = (buffer: Buffer, start: number, end: number, into: Buffer, at: number): number => {
  let to = at
  for (let from = start; from < end; from++) {
    const byte = buffer[from]!
    if (byte !== BACKSLASH) {
      into[to++] = byte
      continue
    }
    const kind = buffer[from + 1]!
    if (kind !== SMALL_U) {
      into[to++] = escapedBytes[kind]!
      from += 1
      continue
    }
    let point = hexUnit(buffer, from + 2, end)
    from += 5
    if (isHigh(point) && buffer[from + 1] === BACKSLASH && buffer[from + 2] === SMALL_U && from + 7 <= end) {
      const low = hexUnit(buffer, from + 3, end)
      if (isLow(low)) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
        from += 6
      }
    }
    to = writeUtf8(isHigh(point) || isLow(point) ? REPLACEMENT : point, into, to)
  }
  return to
}
