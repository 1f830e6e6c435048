const INT_MAX = 2_147_483_647
const INT_MIN = -2_147_483_648
const LONG_MAX = 9_223_372_036_854_775_807n
const LONG_MIN = -9_223_372_036_854_775_808n
const ZERO = 48
const PLUS = 43
const MINUS = 45
const POINT = 46
/** Digits that a number holds exactly, whatever they are. */
const EXACT_DIGITS = 15
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent)

/** `Integer.valueOf` of the text in [start, end); undefined where Java throws. */
export const parseInt32 = (buffer: Buffer, start: number, end: number): number | undefined => {
  const short = shortInteger(buffer, start, end)
  if (short === undefined) return int32Of(buffer.toString('utf8', start, end))
  return short > INT_MAX || short < INT_MIN ? undefined : short
}

/** `Long.valueOf` of the text in [start, end): a bigint beyond 2^53. */
export const parseInt64 = (buffer: Buffer, start: number, end: number): number | bigint | undefined =>
  shortInteger(buffer, start, end) ?? int64Of(buffer.toString('utf8', start, end))

/** `Double.valueOf` of the text in [start, end). NaN is a value: Java reads it. */
export const parseDouble = (buffer: Buffer, start: number, end: number): number | undefined =>
  shortDecimal(buffer, start, end) ?? doubleOf(buffer.toString('utf8', start, end))

/** `Integer.valueOf` of any text. */
export const int32Of = (text: string): number | undefined => {
  const value = integerOf(text)
  return value === undefined || value > INT_MAX || value < INT_MIN ? undefined : Number(value)
}

/** `Long.valueOf` of any text. */
export const int64Of = (text: string): number | bigint | undefined => {
  const value = integerOf(text)
  return value === undefined || value > LONG_MAX || value < LONG_MIN ? undefined : narrowed(value)
}

/** A long as a number where that is exact. */
export const narrowed = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Up to 15 ASCII digits with or without a sign. */
const shortInteger = (buffer: Buffer, start: number, end: number): number | undefined => {
  const sign = buffer[start]
  const first = sign === MINUS || sign === PLUS ? start + 1 : start
  if (first >= end || end - first > EXACT_DIGITS) return undefined
  let value = 0
  for (let at = first; at < end; at++) {
    const digit = buffer[at]! - ZERO
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return sign === MINUS ? 0 - value : value
}

/** Up to 15 ASCII digits with at most one point among or behind them: a quotient of exact numbers is rounded once. */
const shortDecimal = (buffer: Buffer, start: number, end: number): number | undefined => {
  const sign = buffer[start]
  const first = sign === MINUS || sign === PLUS ? start + 1 : start
  if (first >= end || end - first > EXACT_DIGITS + 1) return undefined
  let value = 0
  let point = -1
  for (let at = first; at < end; at++) {
    const digit = buffer[at]! - ZERO
    if (digit >= 0 && digit <= 9) value = value * 10 + digit
    else if (buffer[at] === POINT && point < 0 && at > first) point = at
    else return undefined
  }
  if (value > Number.MAX_SAFE_INTEGER) return undefined
  const magnitude = point < 0 ? value : value / POWERS[end - 1 - point]!
  return sign === MINUS ? -magnitude : magnitude
}

const INTEGER = /^([+-]?)(\p{Nd}+)$/u
/** Digits of the largest long. */
const LONG_DIGITS = 19

/** Java takes the decimal digits of every script. */
const integerOf = (text: string): bigint | undefined => {
  const found = INTEGER.exec(text)
  // A digit outside the basic plane is two units, of which Java takes none for a digit.
  if (found === null || /[\ud800-\udfff]/.test(text)) return undefined
  const digits = found[2]!.replace(/[\u0080-\uffff]/g, (digit) => String(digitValue(digit.charCodeAt(0))))
  const significant = digits.replace(/^0+/, '')
  if (significant.length > LONG_DIGITS) return undefined
  const magnitude = BigInt(significant === '' ? 0 : significant)
  return found[1] === '-' ? -magnitude : magnitude
}

/** Digits stand together in tens, from zero on. */
const digitValue = (unit: number): number => {
  let value = 0
  while (/\p{Nd}/u.test(String.fromCharCode(unit - value - 1))) value += 1
  return value % 10
}

const DECIMAL = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/
const HEXADECIMAL = /^([+-]?)0[xX](?:([0-9a-fA-F]+)\.?|([0-9a-fA-F]*)\.([0-9a-fA-F]+))[pP]([+-]?\d+)[fFdD]?$/
const SPECIAL = /^([+-]?)(NaN|Infinity)$/
const isBlank = (unit: number): boolean => unit <= 32

/** `String.trim` of Java: everything up to the blank. */
export const javaTrim = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** `Double.valueOf` of any text. */
export const doubleOf = (text: string): number | undefined => {
  const trimmed = javaTrim(text)
  const decimal = DECIMAL.exec(trimmed)
  if (decimal !== null) return Number(decimal[1])
  const special = SPECIAL.exec(trimmed)
  if (special !== null) return special[2] === 'NaN' ? Number.NaN : Number(`${special[1]}Infinity`)
  return hexadecimalDouble(trimmed)
}

const SMALLEST_EXPONENT = -1074
/** Beyond these a value is 0 or infinite whatever its digits are: there are far fewer of them. */
const MAX_EXPONENT = 1_000_000_000
/** More than decide on any double; of the others only counts whether one is not 0. */
const MAX_HEX_DIGITS = 40

const hexadecimalDouble = (text: string): number | undefined => {
  const found = HEXADECIMAL.exec(text)
  if (found === null) return undefined
  const [, sign, whole = found[3] ?? '', , fraction = '', power] = found
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const rest = digits.slice(MAX_HEX_DIGITS)
  const last = rest === '' ? '' : /[^0]/.test(rest) ? '1' : '0'
  const significand = BigInt(`0x0${digits.slice(0, MAX_HEX_DIGITS)}${last}`)
  const left = 4 * (rest.length - last.length - fraction.length)
  const exponent = Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, Number(power))) + left
  const magnitude = significand === 0n ? 0 : scaled(significand, exponent)
  return sign === '-' ? -magnitude : magnitude
}

/** `significand` x 2^`exponent`, rounded once, half to even. */
const scaled = (significand: bigint, exponent: number): number => {
  const bits = significand.toString(2).length
  const last = Math.max(bits + exponent - 53, SMALLEST_EXPONENT)
  const shift = last - exponent
  const units = shift <= 0 ? significand << BigInt(-shift) : roundedShift(significand, shift, bits)
  if (last > 1023) return Number.POSITIVE_INFINITY
  // In two steps: 2^-1074 times the units is exact, and so is each factor.
  return last < -1000 ? Number(units) * 2 ** (last + 100) * 2 ** -100 : Number(units) * 2 ** last
}

const roundedShift = (value: bigint, shift: number, bits: number): bigint => {
  if (shift > bits) return 0n
  const half = 1n << BigInt(shift - 1)
  const low = value & ((half << 1n) - 1n)
  const high = value >> BigInt(shift)
  return low > half || (low === half && (high & 1n) === 1n) ? high + 1n : high
}

/** `Double.compare`: NaN is above all and equal to itself, 0 is above -0. */
export const compareDoubles = (left: number, right: number): number => {
  if (left < right) return -1
  if (left > right) return 1
  if (left === right && left !== 0) return 0
  if (Object.is(left, right)) return 0
  if (Number.isNaN(left)) return 1
  if (Number.isNaN(right)) return -1
  return Object.is(left, -0) ? -1 : 1
}
