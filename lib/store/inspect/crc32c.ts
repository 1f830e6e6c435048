const POLYNOMIAL = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let state = byte
  for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ POLYNOMIAL : state >>> 1
  return state
})

/** CRC-32C (Castagnoli) of bytes that follow those with the CRC `before`; unsigned. */
export const crc32c = (bytes: Uint8Array, before = 0): number => {
  let state = ~before
  for (let at = 0; at < bytes.length; at++) state = (state >>> 8) ^ table[(state ^ bytes[at]!) & 0xff]!
  return ~state >>> 0
}
