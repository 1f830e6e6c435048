const MIN_CLASS_BITS = 12
const MAX_CLASS_BITS = 20
const NONE: Buffer[] = []

/** Buffers of 4 KiB to 1 MiB by powers of two, lent and given back: first touch of new memory costs more than reuse. */
export class BufferPool {
  readonly #free: Buffer[][] = []
  readonly #maxRetainedBytes: number
  #retainedBytes = 0

  /** @param maxRetainedBytes most bytes kept while nobody uses them. Default 32 MiB. */
  constructor(maxRetainedBytes = 32 * 1024 * 1024) {
    this.#maxRetainedBytes = maxRetainedBytes
    for (let bits = MIN_CLASS_BITS; bits <= MAX_CLASS_BITS; bits++) this.#free[bits] = []
  }

  /** Bytes kept for later. */
  get retainedBytes(): number {
    return this.#retainedBytes
  }

  /** A buffer of at least `sizeBytes` with arbitrary content. Over 1 MiB it has exactly that size and is not pooled. */
  take(sizeBytes: number): Buffer {
    const bits = Math.max(MIN_CLASS_BITS, 32 - Math.clz32(sizeBytes - 1))
    if (bits > MAX_CLASS_BITS) return Buffer.allocUnsafeSlow(sizeBytes)
    const pooled = (this.#free[bits] ?? NONE).pop()
    if (pooled === undefined) return Buffer.allocUnsafeSlow(2 ** bits)
    this.#retainedBytes -= pooled.length
    return pooled
  }

  /** Gives back what `take` returned, whole; nobody may use it any more. */
  give(buffer: Buffer): void {
    const bits = 31 - Math.clz32(buffer.length)
    const free = this.#free[bits]
    if (free === undefined || buffer.length !== 2 ** bits) return
    if (this.#retainedBytes + buffer.length > this.#maxRetainedBytes) return
    this.#retainedBytes += buffer.length
    free.push(buffer)
  }
}
