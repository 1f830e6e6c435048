import { randomFillSync } from 'node:crypto'

const LEAST_BYTES = 1 << 20

/** Bodies of random bytes, a different one each time for a while: ranges of one buffer. */
export class BodySource {
  readonly bytes: Buffer
  readonly bodyBytes: number
  #at = 0

  constructor(bodyBytes: number) {
    this.bodyBytes = bodyBytes
    this.bytes = randomFillSync(Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, 2 * bodyBytes)))
  }

  /** Where the next body starts. */
  next(): number {
    if (this.#at + this.bodyBytes > this.bytes.length) this.#at = 0
    const start = this.#at
    this.#at += this.bodyBytes
    return start
  }

  /** The body that starts there; a view. */
  at(start: number): Buffer {
    return this.bytes.subarray(start, start + this.bodyBytes)
  }
}
