import { murmur3 } from './murmur3.ts'

/** The bits that stand for one group and topic in the bit maps of a bloom filter. */
export interface BloomFilterData {
  /** Bits of the whole map. */
  readonly bitNum: number
  /** Positions below `bitNum`, one for each hash function. */
  readonly bitPos: readonly number[]
}

const INT_MAX = 2_147_483_647
const log = (base: number, value: number): number => Math.log(value) / Math.log(base)

/** A bloom filter with the sizes and positions of Java's, for bit maps that both write and read. */
export class BloomFilter {
  /** Hash functions. */
  readonly hashCount: number
  /** Bits of a map, a multiple of 8. */
  readonly bitNum: number

  /**
   * @param errorPercent how often a bit map may say yes wrongly, 1 to 99
   * @param expected how many groups and topics share a map, at least 1
   */
  constructor(errorPercent: number, expected: number) {
    const errorRate = errorPercent / 100
    this.hashCount = Math.ceil(log(0.5, errorRate))
    const bits = Math.ceil(expected * log(2, 1 / errorRate) * log(2, Math.E))
    this.bitNum = Math.min(8 * Math.ceil(bits / 8), INT_MAX)
  }

  /** The bits of one name. */
  dataOf(name: string): BloomFilterData {
    const hash = murmur3(name)
    const first = Number(BigInt.asIntN(32, hash))
    const second = Number(BigInt.asIntN(32, hash >> 32n))
    const bitPos: number[] = []
    for (let i = 1; i <= this.hashCount; i++) {
      const combined = (first + Math.imul(i, second)) | 0
      bitPos.push((combined < 0 ? ~combined : combined) % this.bitNum)
    }
    return { bitNum: this.bitNum, bitPos }
  }

  /** Whether the data can be of a filter with these sizes. */
  isValid(data: BloomFilterData | undefined): boolean {
    return data?.bitNum === this.bitNum && data.bitPos.length === this.hashCount
  }
}
