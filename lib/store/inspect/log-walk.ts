import { FileWindow } from './file-window.ts'
import type { SegmentFile, StoreLayout } from './layout.ts'
import { findRecord, type RecordHead, readRecordAt } from './record-reader.ts'

/** What a walk through the log meets, in the log's order. The last step is `end` or `torn`. */
export type LogStep =
  | {
      readonly kind: 'record'
      readonly record: RecordHead
      readonly file: FileWindow
    }
  /** [from, to) holds no record, and a good one stands at `to`. */
  | {
      readonly kind: 'damage'
      readonly segment: SegmentFile
      readonly from: number
      readonly to: number
      readonly reason: string
    }
  /** No file holds [from, to). */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number }
  /** The log's last bytes are no record, and no good one stands behind them. */
  | { readonly kind: 'torn'; readonly segment: SegmentFile; readonly at: number; readonly reason: string }
  | { readonly kind: 'end'; readonly at: number }

/** How far and how closely to look. */
export interface LogWalkOptions {
  /** Physical offset of a record to begin at; default the first. */
  readonly from?: number | undefined
  /** Whether bodies are checked. Default true. */
  readonly checkCrc?: boolean | undefined
  /** How many bytes behind an empty place are searched for further records, in bytes; default all. */
  readonly searchBytes?: number | undefined
  /** Told of each segment that the walk comes to. */
  readonly onSegment?: ((segment: SegmentFile) => void) | undefined
}

/** Where an undamaged record stands behind a place that holds none. */
interface Resumed {
  readonly index: number
  readonly position: number
}

class LogWalk {
  readonly #layout: StoreLayout
  readonly #options: LogWalkOptions

  constructor(layout: StoreLayout, options: LogWalkOptions) {
    this.#layout = layout
    this.#options = options
  }

  *steps(): Generator<LogStep, void, undefined> {
    const { segments, segmentBytes } = this.#layout
    const from = this.#options.from ?? 0
    let index = segments.findIndex(({ start }) => start + segmentBytes > from)
    if (index < 0) {
      yield { kind: 'end', at: from }
      return
    }
    let position = Math.max(0, from - segments[index]!.start)
    while (index < segments.length) {
      const next: Resumed | undefined = yield* this.#segment(index, position)
      if (next === undefined) return
      index = next.index
      position = next.position
    }
  }

  /** Steps through one segment; answers where the log goes on, undefined when it ends here. */
  *#segment(index: number, from: number): Generator<LogStep, Resumed | undefined, undefined> {
    const { segments, segmentBytes } = this.#layout
    const segment = segments[index]!
    this.#options.onSegment?.(segment)
    using file = new FileWindow(segment.path)
    let position = from
    let isFilled = false
    while (position + 8 <= file.sizeBytes) {
      const read = readRecordAt(file, segment.start, position, this.#options.checkCrc)
      if (read.kind === 'record') {
        yield { kind: 'record', record: read.record, file }
        position += read.record.sizeBytes
        continue
      }
      if (read.kind === 'blank') {
        position = file.sizeBytes
        isFilled = true
        break
      }
      const resumed = this.#resume(file, index, position, read.kind === 'nothing')
      const at = segment.start + position
      const reason = read.kind === 'nothing' ? 'nothing was written' : read.reason
      if (resumed === undefined) {
        yield read.kind === 'nothing' ? { kind: 'end', at } : { kind: 'torn', segment, at, reason }
        return undefined
      }
      const to = segments[resumed.index]!.start + resumed.position
      yield { kind: 'damage', segment, from: at, to, reason }
      if (resumed.index !== index) return resumed
      position = resumed.position
    }
    const end = segment.start + segmentBytes
    const behind = segments[index + 1]
    if (behind === undefined) {
      yield { kind: 'end', at: segment.start + position }
      return undefined
    }
    const rest = segment.start + position
    if (!isFilled && rest + 8 <= end) {
      const resumed = this.#resume(file, index, position, false)
      if (resumed !== undefined) {
        const to = segments[resumed.index]!.start + resumed.position
        yield { kind: 'damage', segment, from: rest, to, reason: 'the file ends here' }
        return resumed
      }
    }
    if (behind.start !== end) yield { kind: 'gap', from: end, to: behind.start }
    return { index: index + 1, position: 0 }
  }

  /** The next good record behind a place: in the same segment, or in a later one. */
  #resume(file: FileWindow, index: number, position: number, isEmpty: boolean): Resumed | undefined {
    const { segments } = this.#layout
    const { searchBytes = Number.POSITIVE_INFINITY } = this.#options
    const limit = isEmpty ? Math.min(file.sizeBytes, position + searchBytes) : file.sizeBytes
    // A file that occupies no more than what was read has only holes behind.
    const found =
      isEmpty && file.allocatedBytes <= position ? -1 : findRecord(file, segments[index]!.start, position + 1, limit)
    if (found >= 0) return { index, position: found }
    for (let later = index + 1; later < segments.length; later++) {
      const { path, start, allocatedBytes } = segments[later]!
      if (allocatedBytes === 0) continue
      using behind = new FileWindow(path)
      const first = findRecord(behind, start, 0, Math.min(behind.sizeBytes, searchBytes))
      if (first >= 0) return { index: later, position: first }
    }
    return undefined
  }
}

/**
 * Walks through the records of a log, over damage to the next good record. A record's `file` is valid until the next
 * step.
 */
export const walkLog = (layout: StoreLayout, options: LogWalkOptions = {}): Generator<LogStep, void, undefined> =>
  new LogWalk(layout, options).steps()
