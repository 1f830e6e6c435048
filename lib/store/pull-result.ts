import type { PullStatus } from './status.ts'

/** Cells of {@link PullResult}, in the order the addon writes them. Compared with the addon's list when it is loaded. */
export const pullResultColumns = [
  'status',
  'nextBeginOffset',
  'minOffset',
  'maxOffset',
  'count',
  'sizeBytes',
  'neededBytes',
  'logBehindBytes',
] as const

/** Outcome of one pull. Made once by the caller and overwritten by every pull it is passed to. */
export class PullResult {
  /** @internal Written by the addon. */
  readonly cells = new Float64Array(pullResultColumns.length)

  /** Says something else of what was found: for callers that filter records themselves. */
  replace(status: PullStatus, nextBeginOffset: number, count: number, sizeBytes: number): void {
    this.cells[0] = status
    this.cells[1] = nextBeginOffset
    this.cells[4] = count
    this.cells[5] = sizeBytes
    this.cells[6] = 0
  }

  get status(): PullStatus {
    return this.cells[0] as PullStatus
  }
  /** Queue offset to pull from next. */
  get nextBeginOffset(): number {
    return this.cells[1]!
  }
  /** First queue offset that can still be read. */
  get minOffset(): number {
    return this.cells[2]!
  }
  /** Queue offset behind the newest readable message. */
  get maxOffset(): number {
    return this.cells[3]!
  }
  /** Records copied. */
  get count(): number {
    return this.cells[4]!
  }
  /** Bytes copied, from `intoStart` on: whole records, one behind the other. */
  get sizeBytes(): number {
    return this.cells[5]!
  }
  /** Greater than 0 when not even the first record fitted: pull again with at least this much room. */
  get neededBytes(): number {
    return this.cells[6]!
  }
  /** Log bytes between the last record copied and the log's end. */
  get logBehindBytes(): number {
    return this.cells[7]!
  }
}
