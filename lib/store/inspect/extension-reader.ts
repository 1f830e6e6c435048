import { readInt64 } from '../../protocol/int64.ts'
import { SegmentWindow } from './file-window.ts'
import type { QueueFiles } from './layout.ts'

/** Size of a unit without bit map. */
const UNIT_BYTES = 20
const LARGEST_UNIT_BYTES = 32_767
const WINDOW_BYTES = 64 * 1024

/** What a unit of consumequeue_ext says of a message, without its bit map. */
export interface ExtensionUnit {
  readonly tagCode: number
  readonly storeTimestamp: number
}

/** The extension units of one queue. Close it, or use it with `using`. */
export class ExtensionReader implements Disposable {
  readonly #queue: QueueFiles
  readonly #files = new SegmentWindow(WINDOW_BYTES)

  constructor(queue: QueueFiles) {
    this.#queue = queue
  }

  /** The unit at an offset; undefined when none stands there. */
  at(offset: number): ExtensionUnit | undefined {
    const segment = this.#queue.files.find(({ start, sizeBytes }) => offset >= start && offset < start + sizeBytes)
    if (segment === undefined) return undefined
    const window = this.#files.open(segment.path)
    const position = offset - segment.start
    if (!window.ensure(position, UNIT_BYTES)) return undefined
    const { buffer } = window
    const index = window.index(position)
    const sizeBytes = buffer.readUInt16BE(index)
    const isUnit =
      sizeBytes === UNIT_BYTES + buffer.readUInt16BE(index + 18) &&
      sizeBytes <= Math.min(LARGEST_UNIT_BYTES, segment.sizeBytes - position)
    return isUnit ? { tagCode: readInt64(buffer, index + 2), storeTimestamp: readInt64(buffer, index + 10) } : undefined
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
  }
}
