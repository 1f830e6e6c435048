const HIGH_UNIT = 2 ** 32

/** Reads a signed 64-bit integer as a number; beyond 2^53 it is rounded. */
export const readInt64 = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at) * HIGH_UNIT + buffer.readUInt32BE(at + 4)

/** Writes an integer below 2^63 as a signed 64-bit integer and returns the end. */
export const writeInt64 = (buffer: Buffer, value: number, at: number): number => {
  const high = Math.floor(value / HIGH_UNIT)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * HIGH_UNIT, at + 4)
  return at + 8
}

/** The safe integer nearest to an integer; NaN stays NaN. */
export const toSafeInteger = (value: number): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER))
