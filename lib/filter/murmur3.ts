const MASK = 0xffff_ffff_ffff_ffffn
const C1 = 0x87c3_7b91_1142_53d5n
const C2 = 0x4cf5_ad43_2745_937fn
const BLOCK_BYTES = 16

const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (64n - bits))) & MASK

const mix1 = (word: bigint): bigint => (rotate((word * C1) & MASK, 31n) * C2) & MASK
const mix2 = (word: bigint): bigint => (rotate((word * C2) & MASK, 33n) * C1) & MASK

const finalMix = (hash: bigint): bigint => {
  const first = ((hash ^ (hash >> 33n)) * 0xff51_afd7_ed55_8ccdn) & MASK
  const second = ((first ^ (first >> 33n)) * 0xc4ce_b9fe_1a85_ec53n) & MASK
  return second ^ (second >> 33n)
}

/** The first 64 bits of MurmurHash3 x64 128 with seed 0 over the UTF-8 of `text`, as Guava's `murmur3_128` gives them. */
export const murmur3 = (text: string): bigint => {
  const bytes = Buffer.from(text)
  const whole = bytes.length - (bytes.length % BLOCK_BYTES)
  let h1 = 0n
  let h2 = 0n
  for (let at = 0; at < whole; at += BLOCK_BYTES) {
    h1 = ((rotate(h1 ^ mix1(bytes.readBigUInt64LE(at)), 27n) + h2) * 5n + 0x52dc_e729n) & MASK
    h2 = ((rotate(h2 ^ mix2(bytes.readBigUInt64LE(at + 8)), 31n) + h1) * 5n + 0x3849_5ab5n) & MASK
  }
  const tail = Buffer.alloc(BLOCK_BYTES)
  bytes.copy(tail, 0, whole)
  h1 ^= mix1(tail.readBigUInt64LE(0)) ^ BigInt(bytes.length)
  h2 ^= mix2(tail.readBigUInt64LE(8)) ^ BigInt(bytes.length)
  h1 = (h1 + h2) & MASK
  h2 = (h2 + h1) & MASK
  return (finalMix(h1) + finalMix(h2)) & MASK
}
