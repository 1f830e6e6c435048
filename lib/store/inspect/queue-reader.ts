import { readInt64 } from '../../protocol/int64.ts'
import { SegmentWindow } from './file-window.ts'
import type { QueueFiles, SegmentFile } from './layout.ts'

export const ENTRY_BYTES = 20
/** Addresses into consumequeue_ext instead of a tag code are below this. */
const LEAST_TAG_CODE = -2147483648
const FILL_SIZE = 0x7fffffff
const WINDOW_BYTES = 64 * 1024

/** One entry of a consume queue. */
export interface QueueEntry {
  readonly physicalOffset: number
  readonly sizeBytes: number
  /** Of an address rounded. */
  readonly tagCode: number
  /** Where its unit stands in consumequeue_ext, when the tag code is an address. */
  readonly unitOffset: number | undefined
}

/** Whether anything was written there. */
export const isLive = ({ physicalOffset, sizeBytes }: QueueEntry): boolean => physicalOffset >= 0 && sizeBytes > 0

/** Stands before the first message of a queue that does not begin at 0, and where the log has lost one. */
export const isFill = ({ physicalOffset, sizeBytes, tagCode }: QueueEntry): boolean =>
  physicalOffset === 0 && sizeBytes === FILL_SIZE && tagCode === 0

/** Addresses are offsets from the least integer of 64 bits up. */
const unitOffsetOf = (buffer: Buffer, at: number): number =>
  (buffer.readUInt32BE(at) - 0x80000000) * 2 ** 32 + buffer.readUInt32BE(at + 4)

const decode = (buffer: Buffer, at: number): QueueEntry => {
  const tagCode = readInt64(buffer, at + 12)
  return {
    physicalOffset: readInt64(buffer, at),
    sizeBytes: buffer.readInt32BE(at + 8),
    tagCode,
    unitOffset: tagCode < LEAST_TAG_CODE ? unitOffsetOf(buffer, at + 12) : undefined,
  }
}

/** The entries of one queue by their queue offsets. Close it, or use it with `using`. */
export class QueueReader implements Disposable {
  readonly queue: QueueFiles
  readonly #files = new SegmentWindow(WINDOW_BYTES)

  constructor(queue: QueueFiles) {
    this.queue = queue
  }

  /** First queue offset that a file holds. */
  get first(): number {
    return (this.queue.files[0]?.start ?? 0) / ENTRY_BYTES
  }

  /** Queue offset behind the last place that a file has. */
  get capacity(): number {
    const last = this.queue.files.at(-1)
    return last === undefined ? 0 : Math.floor((last.start + last.sizeBytes) / ENTRY_BYTES)
  }

  /** What stands at a queue offset; undefined when no file holds it. */
  at(queueOffset: number): QueueEntry | undefined {
    const place = this.place(queueOffset)
    if (place === undefined) return undefined
    const window = this.#files.open(place.segment.path)
    return window.ensure(place.position, ENTRY_BYTES) ? decode(window.buffer, window.index(place.position)) : undefined
  }

  /** The file and the position in it where a queue offset stands. */
  place(queueOffset: number): { readonly segment: SegmentFile; readonly position: number } | undefined {
    const at = queueOffset * ENTRY_BYTES
    const { files, fileBytes } = this.queue
    const guess = fileBytes > 0 ? Math.floor((at - (files[0]?.start ?? 0)) / fileBytes) : 0
    const segment = holds(files[guess], at) ? files[guess] : files.find((file) => holds(file, at))
    return segment === undefined ? undefined : { segment, position: at - segment.start }
  }

  /** Queue offset behind the last live entry, by halving: right for a queue whose entries have no hole. */
  end(): number {
    const { files } = this.queue
    for (let index = files.length - 1; index >= 0; index--) {
      const { start, sizeBytes } = files[index]!
      let low = start / ENTRY_BYTES
      let high = Math.floor((start + sizeBytes) / ENTRY_BYTES)
      const first = low
      while (low < high) {
        const middle = (low + high) >>> 1
        const entry = this.at(middle)
        if (entry !== undefined && isLive(entry)) low = middle + 1
        else high = middle
      }
      if (low > first) return low
    }
    return this.first
  }

  /** First queue offset whose record stands at or behind the physical offset, by halving over live entries. */
  min(end: number, logStart: number): number {
    let low = this.first
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.at(middle)
      if (entry !== undefined && (isFill(entry) || entry.physicalOffset < logStart)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether anything but zeros stands from a position of a file on, as far as the device holds anything. */
  anythingBehind(segment: SegmentFile, position: number): boolean {
    const window = this.#files.open(segment.path)
    const limit = Math.min(segment.sizeBytes, Math.max(segment.allocatedBytes, position))
    for (let at = position; at < limit; ) {
      const part = window.some(at, limit - at)
      if (part.length === 0) return false
      if (part.some((byte) => byte !== 0)) return true
      at += part.length
    }
    return false
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
  }
}

const holds = (file: SegmentFile | undefined, at: number): boolean =>
  file !== undefined && at >= file.start && at + ENTRY_BYTES <= file.start + file.sizeBytes
