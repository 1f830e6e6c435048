import type { FrameBounds } from './frame.ts'
import { SEEN_CODE, topLevelKey, word, wordOf } from './header-keys.ts'
import {
  ABSENT,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  integerEnd,
  integerValue,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipBlank,
  textEnd,
} from './json-bytes.ts'
import { SerializeType } from './remoting-command.ts'

const USUAL_START = wordOf('{"co')
const USUAL_END = wordOf('de":')
const USUAL_BYTES = 8

/** End of whatever value is at `at`, objects and arrays included; -1 when it does not end. */
const skipValue = (buffer: Buffer, at: number, end: number): number => {
  let depth = 0
  for (let to = at; to < end; to++) {
    const byte = buffer[to]!
    if (byte === QUOTE) {
      to = textEnd(buffer, to + 1, end)
      if (to < 0) return ABSENT
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return to
      depth -= 1
    } else if (byte === COMMA && depth === 0) {
      return to
    }
  }
  return ABSENT
}

const codeAt = (buffer: Buffer, at: number, end: number): number => {
  const start = skipBlank(buffer, at, end)
  const valueEnd = integerEnd(buffer, start, end)
  return valueEnd < 0 ? ABSENT : integerValue(buffer, start, valueEnd)
}

/** Walks over the members at top level until one is the code. */
const searchCode = (buffer: Buffer, start: number, end: number): number => {
  let at = skipBlank(buffer, start, end)
  if (at >= end || buffer[at] !== OPEN_BRACE) return ABSENT
  at += 1
  for (;;) {
    at = skipBlank(buffer, at, end)
    if (at >= end || buffer[at] !== QUOTE) return ABSENT
    const keyEnd = textEnd(buffer, at + 1, end)
    if (keyEnd < 0) return ABSENT
    const key = topLevelKey(buffer, at + 1, keyEnd)
    at = skipBlank(buffer, keyEnd + 1, end)
    if (buffer[at] !== COLON) return ABSENT
    if (key === SEEN_CODE) return codeAt(buffer, at + 1, end)
    at = skipValue(buffer, skipBlank(buffer, at + 1, end), end)
    if (at < 0 || buffer[at] !== COMMA) return ABSENT
    at += 1
  }
}

/**
 * The code of the JSON header [start, end) without reading all of it: at once where it stands first, as every client
 * we know writes it, else wherever it is at top level. -1 when it is not found. What follows the code is not checked.
 */
export const peekJsonCode = (buffer: Buffer, start: number, end: number): number => {
  const isUsual =
    end - start > USUAL_BYTES && word(buffer, start) === USUAL_START && word(buffer, start + 4) === USUAL_END
  return isUsual ? codeAt(buffer, start + USUAL_BYTES, end) : searchCode(buffer, start, end)
}

/** The code of a frame without decoding its header; -1 leaves the frame to the generic decoder. */
export const peekCode = (frame: FrameBounds & { readonly buffer: Buffer }): number => {
  const { buffer, serializeType, headerStart, headerEnd } = frame
  if (serializeType === SerializeType.json) return peekJsonCode(buffer, headerStart, headerEnd)
  return headerEnd - headerStart < 2 ? ABSENT : buffer.readInt16BE(headerStart)
}
