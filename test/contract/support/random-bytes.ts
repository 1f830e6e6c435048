import { createHash } from 'node:crypto'

/** Numbers and bytes that are the same for the same seed (xorshift32). */
export class Randomness {
  #state: number

  constructor(seed: string) {
    this.#state = createHash('sha256').update(seed).digest().readUInt32BE(0) | 1
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % limit
  }

  bytes(sizeBytes: number): Buffer {
    return Buffer.from(Array.from({ length: sizeBytes }, () => this.below(256)))
  }

  /** A copy with one to eight bytes changed, sometimes cut short. */
  damage(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes)
    for (let changes = 1 + this.below(8); changes > 0; changes--) copy[this.below(copy.length)] = this.below(256)
    return this.below(4) === 0 ? copy.subarray(0, 1 + this.below(copy.length)) : copy
  }
}
