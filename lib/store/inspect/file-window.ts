import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const DEFAULT_WINDOW_BYTES = 4 << 20
/** Block size of `stat.blocks`. */
const STAT_BLOCK_BYTES = 512

/**
 * A file read through a window of bounded size, forwards as a rule: any number of bytes passes through the same memory.
 * Close it, or use it with `using`.
 */
export class FileWindow implements Disposable {
  readonly path: string
  /** As the directory says; a sparse file has fewer bytes on the device. */
  readonly sizeBytes: number
  /** What the file occupies on the device. */
  readonly allocatedBytes: number
  /** The bytes; where a position stands tells {@link index}. */
  buffer: Buffer
  readonly #fd: number
  #from = 0
  #length = 0
  #isOpen = true

  constructor(path: string, windowBytes = DEFAULT_WINDOW_BYTES) {
    this.path = path
    this.#fd = openSync(path, 'r')
    const stat = fstatSync(this.#fd)
    this.sizeBytes = stat.size
    this.allocatedBytes = stat.blocks * STAT_BLOCK_BYTES
    this.buffer = Buffer.allocUnsafe(Math.max(64, Math.min(windowBytes, stat.size)))
  }

  /**
   * Brings [at, at + length) into the window. False when the file ends before, or when that is more than the window
   * holds: see {@link read} for such.
   */
  ensure(at: number, length: number): boolean {
    if (at >= this.#from && at + length <= this.#from + this.#length) return true
    if (at + length > this.sizeBytes || length > this.buffer.length) return false
    this.#from = at
    this.#length = this.#fill(this.buffer, at)
    return length <= this.#length
  }

  /** Where the position stands in {@link buffer} after {@link ensure}. */
  index(at: number): number {
    return at - this.#from
  }

  /** The bytes of the window from a position on, at least one unless the file ends there. A view: valid until the next call. */
  some(at: number, atMost: number): Buffer {
    const length = Math.min(atMost, this.buffer.length, this.sizeBytes - at)
    if (length <= 0) return this.buffer.subarray(0, 0)
    const held = at >= this.#from ? this.#from + this.#length - at : 0
    if (held <= 0 && !this.ensure(at, length)) return this.buffer.subarray(0, 0)
    const start = this.index(at)
    return this.buffer.subarray(start, Math.min(start + length, this.#length))
  }

  /** A copy of [at, at + length). The caller has checked the length. Shorter where the file ends. */
  read(at: number, length: number): Buffer {
    if (this.ensure(at, length)) return Buffer.from(this.buffer.subarray(this.index(at), this.index(at) + length))
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.sizeBytes - at)))
    return bytes.subarray(0, this.#fill(bytes, at))
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    closeSync(this.#fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #fill(into: Buffer, at: number): number {
    let filled = 0
    while (filled < into.length) {
      const count = readSync(this.#fd, into, filled, into.length - filled, at + filled)
      if (count === 0) break
      filled += count
    }
    return filled
  }
}

/** The window of one file of a row at a time: whoever asks for another closes the one before. */
export class SegmentWindow implements Disposable {
  readonly #windowBytes: number
  #window: FileWindow | undefined

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
  }

  open(path: string): FileWindow {
    if (this.#window?.path === path) return this.#window
    this.#window?.close()
    this.#window = new FileWindow(path, this.#windowBytes)
    return this.#window
  }

  [Symbol.dispose](): void {
    this.#window?.close()
    this.#window = undefined
  }
}
