import { ABSENT, integerEnd, QUOTE, textEnd } from './json-bytes.ts'

/** Top-level keys: bits of what one header had. */
export const SEEN_CODE = 1
export const SEEN_FLAG = 2
export const SEEN_OPAQUE = 4
export const SEEN_VERSION = 8
export const SEEN_LANGUAGE = 16
export const SEEN_EXT = 32

/** Big-endian value of four bytes; compared with those of the known names. */
export const word = (buffer: Buffer, at: number): number =>
  (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!

export const wordOf = (text: string): number => word(Buffer.from(text), 0)

const CODE = wordOf('code')
const FLAG = wordOf('flag')
const OPAQ = wordOf('opaq')
const AQUE = wordOf('aque')
const VERS = wordOf('vers')
const SION = wordOf('sion')
const LANG = wordOf('lang')
const UAGE = wordOf('uage')
const EXTF = wordOf('extF')
const IELD = wordOf('ield')
const NULL = wordOf('null')
const TRUE = wordOf('true')
const FALS = wordOf('fals')
const SMALL_E = 0x65
const SMALL_S = 0x73

/** The bit of a top-level key; 0 for keys whose value does not matter. */
export const topLevelKey = (buffer: Buffer, start: number, end: number): number => {
  const length = end - start
  if (length < 4 || length > 9) return 0
  const first = word(buffer, start)
  switch (length) {
    case 4:
      return first === CODE ? SEEN_CODE : first === FLAG ? SEEN_FLAG : 0
    case 6:
      return first === OPAQ && word(buffer, start + 2) === AQUE ? SEEN_OPAQUE : 0
    case 7:
      return first === VERS && word(buffer, start + 3) === SION ? SEEN_VERSION : 0
    case 8:
      return first === LANG && word(buffer, start + 4) === UAGE ? SEEN_LANGUAGE : 0
    case 9:
      return first === EXTF && word(buffer, start + 4) === IELD && buffer[end - 1] === SMALL_S ? SEEN_EXT : 0
    default:
      return 0
  }
}

/** End of a text, plain integer or word at `at`; -1 for nested and unusual values. */
export const skipSimple = (buffer: Buffer, at: number, end: number): number => {
  if (buffer[at] === QUOTE) {
    const close = textEnd(buffer, at + 1, end)
    return close < 0 ? ABSENT : close + 1
  }
  if (at + 5 <= end) {
    const first = word(buffer, at)
    if (first === NULL || first === TRUE) return at + 4
    if (first === FALS && buffer[at + 4] === SMALL_E) return at + 5
  }
  return integerEnd(buffer, at, end)
}
