/** Slicing by four: table k gives the effect of a byte that is followed by k zero bytes. */
const tables: readonly Uint32Array[] = (() => {
  const built = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)] as const
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    built[0][byte] = crc
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let k = 1; k < 4; k++) {
      const before = built[k - 1]![byte]!
      built[k]![byte] = (before >>> 8) ^ built[0][before & 0xff]!
    }
  }
  return built
})()

/** zlib's CRC-32 of [start, end), unsigned. */
export const crc32 = (bytes: Uint8Array, start = 0, end = bytes.length): number => {
  const [t0, t1, t2, t3] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
  let crc = 0xffffffff
  let at = start
  for (; at + 4 <= end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc = t3[crc & 0xff]! ^ t2[(crc >>> 8) & 0xff]! ^ t1[(crc >>> 16) & 0xff]! ^ t0[crc >>> 24]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/** The body CRC of a stored record: CRC-32 with the top bit cleared. */
export const bodyCrc = (bytes: Uint8Array, start = 0, end = bytes.length): number =>
  crc32(bytes, start, end) & 0x7fffffff
