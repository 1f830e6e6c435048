import type { FrameView } from './connection.ts'

/** `{"code":` as every client we know begins its header. */
const PREFIX = Buffer.from('{"code":')
const ZERO = 0x30

/**
 * The code of a frame read without decoding its header; -1 when the header does not begin with it (blanks, another
 * order), which leaves the frame to the generic decoder.
 */
export const peekCode = ({ buffer, serializeType, headerStart, headerEnd }: FrameView): number => {
  if (serializeType === 1) return headerEnd - headerStart < 2 ? -1 : buffer.readInt16BE(headerStart)
  let at = headerStart + PREFIX.length
  if (headerEnd < at + 2) return -1
  for (let index = 0; index < PREFIX.length; index++) {
    if (buffer[headerStart + index] !== PREFIX[index]) return -1
  }
  const digitsStart = at
  let code = 0
  for (; at < headerEnd && at - digitsStart < 7; at++) {
    const digit = buffer[at]! - ZERO
    if (digit < 0 || digit > 9) break
    code = code * 10 + digit
  }
  return at === digitsStart ? -1 : code
}
