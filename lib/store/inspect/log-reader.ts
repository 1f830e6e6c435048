import { FileWindow } from './file-window.ts'
import type { SegmentFile, StoreLayout } from './layout.ts'
import { recordChecksum } from './record-checksums.ts'
import { propertiesOf, type RecordHead, type RecordRead, readRecordAt } from './record-reader.ts'

/** Enough for a record's head and properties; bodies are not read here. */
const WINDOW_BYTES = 256 << 10
const OPEN_FILES = 8

/** Records by their physical offset, bodies unread. Close it, or use it with `using`. */
export class LogReader implements Disposable {
  readonly #layout: StoreLayout
  readonly #open = new Map<number, FileWindow>()

  constructor(layout: StoreLayout) {
    this.#layout = layout
  }

  /** What stands at a physical offset; undefined when no file holds it. */
  at(physicalOffset: number, checkCrc = false): RecordRead | undefined {
    const segment = this.#segmentOf(physicalOffset)
    if (segment === undefined) return undefined
    return readRecordAt(this.#file(segment), segment.start, physicalOffset - segment.start, checkCrc)
  }

  /** The record at a physical offset; undefined when there is no good one. */
  record(physicalOffset: number): RecordHead | undefined {
    const read = this.at(physicalOffset)
    return read?.kind === 'record' ? read.record : undefined
  }

  properties(record: RecordHead): ReadonlyMap<string, string> {
    return propertiesOf(this.#file(this.#segmentOf(record.physicalOffset)!), record)
  }

  /** CRC-32C of a record without its body. */
  checksum(record: RecordHead): number {
    return recordChecksum(this.#file(this.#segmentOf(record.physicalOffset)!), record)
  }

  /** A copy of a whole record. */
  bytes(record: RecordHead): Buffer {
    return this.#file(this.#segmentOf(record.physicalOffset)!).read(record.position, record.sizeBytes)
  }

  [Symbol.dispose](): void {
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }

  #segmentOf(physicalOffset: number): SegmentFile | undefined {
    const { segments } = this.#layout
    let low = 0
    let high = segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (segments[middle]!.start <= physicalOffset) low = middle + 1
      else high = middle
    }
    const segment = segments[low - 1]
    return segment !== undefined && physicalOffset < segment.start + segment.sizeBytes ? segment : undefined
  }

  #file({ start, path }: SegmentFile): FileWindow {
    const open = this.#open.get(start)
    if (open !== undefined) return open
    if (this.#open.size >= OPEN_FILES) {
      const [oldest, file] = this.#open.entries().next().value!
      file.close()
      this.#open.delete(oldest)
    }
    const file = new FileWindow(path, WINDOW_BYTES)
    this.#open.set(start, file)
    return file
  }
}
