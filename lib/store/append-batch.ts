import type { AppendStatus } from './status.ts'
import { StoreError } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'

/** Cells of one row, in the order the addon reads and writes them. Compared with the addon's list when it is loaded. */
export const appendRowColumns = [
  'topic',
  'queueId',
  'flag',
  'sysFlag',
  'reconsumeTimes',
  'bornTimestampMs',
  'preparedTransactionOffset',
  'bornHostStart',
  'bornHostBytes',
  'bornPort',
  'bodyStart',
  'bodyBytes',
  'propertiesStart',
  'propertiesBytes',
  'batchSize',
  'status',
  'physicalOffset',
  'queueOffset',
  'storeTimestampMs',
  'sizeBytes',
] as const

const stride = appendRowColumns.length
const statusCell = 15
const physicalOffsetCell = 16
const queueOffsetCell = 17
const storeTimestampCell = 18
const sizeCell = 19

/** Most rows one batch may have. */
export const maxAppendRows = 65_536

const noBody = Buffer.alloc(0)

/**
 * Messages for one `store.append`, as columns of numbers: no object and no allocation per message. Made once, filled,
 * appended, read and cleared over and over.
 *
 * Bodies are ranges of {@link body}; stored properties and host addresses are ranges of {@link aux}. All ranges are
 * checked by the addon before anything is read: a row with a wrong one gets `AppendStatus.INVALID_ARGUMENT`.
 */
export class AppendBatch {
  /** Rows that fit. */
  readonly capacity: number
  /** Rows filled. */
  count = 0
  /** The bytes that rows' bodies are ranges of, for example a connection's read buffer. Set before `store.append`. */
  body: Buffer = noBody
  /** The bytes that rows' properties and host addresses are ranges of. Written by the caller, see {@link auxUsed}. */
  readonly aux: Buffer
  /** Bytes of {@link aux} in use; kept by the caller, reset by {@link clear}. */
  auxUsed = 0
  /** After `store.append`: end of the last record appended, as a physical offset; -1 when no row was appended. */
  endOffset = -1
  /** @internal Rows, {@link appendRowColumns} cells each. */
  readonly cells: Float64Array

  /**
   * @param capacity rows, 1 to 65,536; default 1,024
   * @param auxBytes size of {@link aux}; default 256 KiB
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`
   */
  constructor(capacity = 1024, auxBytes = 262_144) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > maxAppendRows) {
      throw new StoreError(
        'STORE_INVALID_ARGUMENT',
        `capacity is not an integer from 1 to ${maxAppendRows}: ${capacity}`,
      )
    }
    if (!Number.isInteger(auxBytes) || auxBytes < 0 || auxBytes > 0x7fffffff) {
      throw new StoreError('STORE_INVALID_ARGUMENT', `auxBytes is not an integer from 0 to 2147483647: ${auxBytes}`)
    }
    this.capacity = capacity
    this.aux = Buffer.allocUnsafeSlow(auxBytes)
    this.cells = new Float64Array(capacity * stride)
  }

  /**
   * Adds a row and returns its index.
   *
   * @param topic handle from `store.topic`
   * @param queueId 0 or more
   * @param flag the client's flag, any 32-bit integer
   * @param sysFlag compression, transaction and batch bits; the two host-family bits are set from the addresses
   * @param reconsumeTimes how often the message was consumed before
   * @param bornTimestampMs the producer's time, milliseconds since the epoch
   * @param preparedTransactionOffset physical offset of the prepared half, 0 when there is none
   * @param bornHostStart where the producer's address starts in {@link aux}
   * @param bornHostBytes 4 (IPv4) or 16 (IPv6)
   * @param bornPort 0 to 65535
   * @param bodyStart where the body starts in {@link body}
   * @param bodyBytes its length
   * @param propertiesStart where the stored properties start in {@link aux}
   * @param propertiesBytes their length, at most 32,767
   * @param batchSize 1 for a message of its own. Messages of one client batch stand in one segment and fail together:
   *   the first row carries their number, the rows behind it 0.
   * @throws {StoreError} `STORE_INVALID_ARGUMENT` when the batch is full
   */
  add(
    topic: TopicHandle,
    queueId: number,
    flag: number,
    sysFlag: number,
    reconsumeTimes: number,
    bornTimestampMs: number,
    preparedTransactionOffset: number,
    bornHostStart: number,
    bornHostBytes: number,
    bornPort: number,
    bodyStart: number,
    bodyBytes: number,
    propertiesStart: number,
    propertiesBytes: number,
    batchSize: number,
  ): number {
    const row = this.count
    if (row >= this.capacity) {
      throw new StoreError('STORE_INVALID_ARGUMENT', `the batch is full: ${this.capacity} rows`)
    }
    const cells = this.cells
    const base = row * stride
    cells[base] = topic
    cells[base + 1] = queueId
    cells[base + 2] = flag
    cells[base + 3] = sysFlag
    cells[base + 4] = reconsumeTimes
    cells[base + 5] = bornTimestampMs
    cells[base + 6] = preparedTransactionOffset
    cells[base + 7] = bornHostStart
    cells[base + 8] = bornHostBytes
    cells[base + 9] = bornPort
    cells[base + 10] = bodyStart
    cells[base + 11] = bodyBytes
    cells[base + 12] = propertiesStart
    cells[base + 13] = propertiesBytes
    cells[base + 14] = batchSize
    this.count = row + 1
    return row
  }

  /** What became of a row. Meaningful after `store.append`, as are the following. */
  status(row: number): AppendStatus {
    return this.cells[row * stride + statusCell] as AppendStatus
  }

  /** Where the record starts in the log; -1 when it was not appended. */
  physicalOffset(row: number): number {
    return this.cells[row * stride + physicalOffsetCell]!
  }

  /** The message's place in its queue; -1 when it was not appended. */
  queueOffset(row: number): number {
    return this.cells[row * stride + queueOffsetCell]!
  }

  /** When it was stored, milliseconds since the epoch; -1 when it was not appended. */
  storeTimestampMs(row: number): number {
    return this.cells[row * stride + storeTimestampCell]!
  }

  /** Bytes of the record in the log; 0 when it was not appended. */
  sizeBytes(row: number): number {
    return this.cells[row * stride + sizeCell]!
  }

  /** @internal Gives every row a status without an append. */
  failAll(status: AppendStatus): void {
    for (let row = 0; row < this.count; row++) {
      const base = row * stride
      this.cells[base + statusCell] = status
      this.cells.fill(-1, base + physicalOffsetCell, base + sizeCell)
      this.cells[base + sizeCell] = 0
    }
    this.endOffset = -1
  }

  /** Forgets all rows and what they point to; keeps the memory. */
  clear(): void {
    this.count = 0
    this.auxUsed = 0
    this.endOffset = -1
    this.body = noBody
  }
}
