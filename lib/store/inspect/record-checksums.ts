import { crc32c } from './crc32c.ts'
import type { LogRange } from './damage.ts'
import { FileWindow } from './file-window.ts'
import type { StoreLayout } from './layout.ts'
import type { RecordHead } from './record-reader.ts'

const ENTRY_BYTES = 8
const WINDOW_BYTES = 64 << 10

const part = (file: FileWindow, from: number, to: number, before: number): number => {
  let crc = before
  for (let at = from; at < to; ) {
    const bytes = file.some(at, to - at)
    if (bytes.length === 0) return crc
    crc = crc32c(bytes, crc)
    at += bytes.length
  }
  return crc
}

/** CRC-32C of a record without its body, whose own CRC it covers. `file` is the record's. */
export const recordChecksum = (file: FileWindow, { position, sizeBytes, bodyAt, bodyBytes }: RecordHead): number =>
  part(file, bodyAt + bodyBytes, position + sizeBytes, part(file, position, bodyAt, 0))

/** Told of a checksum file whose entries do not ascend, and where. */
export type ChecksumProblem = (path: string, position: number) => void

/**
 * Holds records against checksums/, in the log's order: for each segment a file of entries, position in the segment 4 |
 * CRC-32C 4, big-endian. A record without an entry, or outside of the trusted range, is unknown. Close it, or use it
 * with `using`.
 */
export class RecordChecksums implements Disposable {
  readonly #layout: StoreLayout
  readonly #trusted: LogRange | undefined
  readonly #onProblem: ChecksumProblem
  #segment = -1
  #file: FileWindow | undefined
  #at = 0
  #previous = -1

  constructor(layout: StoreLayout, trusted: LogRange | undefined, onProblem: ChecksumProblem) {
    this.#layout = layout
    this.#trusted = trusted
    this.#onProblem = onProblem
  }

  /** False when the record is not what its checksum was made of. */
  matches(record: RecordHead, file: FileWindow): boolean {
    const { physicalOffset, position } = record
    if (this.#trusted === undefined || physicalOffset < this.#trusted.from || physicalOffset >= this.#trusted.to) {
      return true
    }
    this.#open(physicalOffset - position)
    const expected = this.#find(position)
    return expected === undefined || expected === recordChecksum(file, record)
  }

  [Symbol.dispose](): void {
    this.#file?.close()
    this.#file = undefined
  }

  #open(segment: number): void {
    if (segment === this.#segment) return
    this[Symbol.dispose]()
    this.#segment = segment
    this.#at = 0
    this.#previous = -1
    const found = this.#layout.checksumFiles.find(({ start }) => start === segment)
    if (found !== undefined) this.#file = new FileWindow(found.path, WINDOW_BYTES)
  }

  /** The checksum of the record at a position, not in front of an earlier one; undefined without one. */
  #find(position: number): number | undefined {
    const file = this.#file
    if (file === undefined) return undefined
    for (; file.ensure(this.#at, ENTRY_BYTES); this.#at += ENTRY_BYTES) {
      const index = file.index(this.#at)
      const entry = file.buffer.readUInt32BE(index)
      if (entry < this.#previous) {
        // The engine searches by halves: it would not find all of them.
        this.#onProblem(file.path, this.#at)
        this[Symbol.dispose]()
        return undefined
      }
      this.#previous = entry
      if (entry === position) return file.buffer.readUInt32BE(index + 4)
      if (entry > position) return undefined
    }
    return undefined
  }
}
