import { DIGIT_0, MINUS } from './json-bytes.ts'

const SMALL_LIMIT = 0x7fffffff
const hexDigits = Buffer.from('0123456789ABCDEF')
/** Longest decimal text of a safe integer, its minus included. */
export const MAX_DECIMAL_BYTES = 17
/** A 64-bit number as hex digits. */
export const HEX_64_BYTES = 16

/** Digits of [0, 2^31): integer arithmetic. */
const writeSmall = (value: number, into: Buffer, at: number): number => {
  let bytes = 1
  for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) bytes += 1
  let rest = value
  for (let to = at + bytes - 1; to >= at; to--) {
    const next = (rest / 10) | 0
    into[to] = DIGIT_0 + rest - next * 10
    rest = next
  }
  return at + bytes
}

/** Writes a safe integer in decimal at `at`, where `MAX_DECIMAL_BYTES` are free; returns its end. No string is made. */
export const writeDecimal = (value: number, into: Buffer, at: number): number => {
  if (value < 0) {
    into[at] = MINUS
    return writeDecimal(-value, into, at + 1)
  }
  if (value <= SMALL_LIMIT) return writeSmall(value, into, at)
  // Up to 2^53: the last nine digits, and above them at most eight.
  const high = Math.floor(value / 1e9)
  const end = writeDecimal(high, into, at)
  let low = value - high * 1e9
  for (let to = end + 8; to >= end; to--) {
    const next = (low / 10) | 0
    into[to] = DIGIT_0 + low - next * 10
    low = next
  }
  return end + 9
}

/** Writes a safe integer that is not negative as 16 upper-case hex digits at `at`; returns their end. */
export const writeHex64 = (value: number, into: Buffer, at: number): number => {
  let low = value >>> 0
  let high = Math.floor(value / 0x1_0000_0000)
  for (let to = at + 15; to > at + 7; to--) {
    into[to] = hexDigits[low & 15]!
    low >>>= 4
  }
  for (let to = at + 7; to >= at; to--) {
    into[to] = hexDigits[high & 15]!
    high >>>= 4
  }
  return at + HEX_64_BYTES
}
