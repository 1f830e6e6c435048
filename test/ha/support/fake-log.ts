import type { ReplicatedLog } from '../../../lib/ha/replicated-log.ts'
import type { LogDamage } from '../../../lib/store/message-store.ts'
import { StoreError } from '../../../lib/store/store-error.ts'

/** A log in memory, in files of `segmentBytes`, whose ends a test moves by hand. */
export class FakeLog implements ReplicatedLog {
  readonly flushMode: 'async' | 'sync'
  readonly bytes: Buffer
  readonly segmentBytes: number
  minPhysicalOffset = 0
  appended = 0
  replicableEnd = 0
  /** Flushes that were asked for. */
  readonly requested: number[] = []
  /** Reads ahead that were asked for. */
  readonly readAhead: number[] = []
  /** What the next read ahead finds. */
  damage: LogDamage[] = []
  #waiters: (() => void)[] = []

  constructor(sizeBytes: number, segmentBytes = 1 << 20, flushMode: 'async' | 'sync' = 'async') {
    this.bytes = Buffer.allocUnsafe(sizeBytes)
    for (let at = 0; at + 4 <= sizeBytes; at += 4) this.bytes.writeUInt32BE((at * 2_654_435_761) >>> 0, at)
    this.segmentBytes = segmentBytes
    this.flushMode = flushMode
  }

  get watermarks() {
    return { appended: this.appended, committed: this.replicableEnd, flushed: this.replicableEnd, dispatched: 0 }
  }

  /** Appends, and makes it known to who waits for it. */
  grow(appended: number, replicableEnd = appended): void {
    this.appended = appended
    this.replicableEnd = replicableEnd
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }

  readLog(fromOffset: number, into: Buffer, intoStart: number, maxBytes: number): number {
    if (fromOffset < this.minPhysicalOffset) throw new StoreError('STORE_NOT_FOUND', 'the log begins behind the offset')
    const segmentEnd = (Math.floor(fromOffset / this.segmentBytes) + 1) * this.segmentBytes
    const end = Math.min(fromOffset + maxBytes, segmentEnd, this.replicableEnd)
    return this.bytes.copy(into, intoStart, fromOffset, end)
  }

  readLogAhead(fromOffset: number): Promise<boolean> {
    this.readAhead.push(fromOffset)
    return Promise.resolve(true)
  }

  takeLogDamage(): LogDamage[] {
    return this.damage.splice(0)
  }

  requestFlush(endOffset: number): void {
    this.requested.push(endOffset)
  }

  onFlushed(_endOffset: number, callback: (error: StoreError | undefined) => void): void {
    this.#waiters.push(() => callback(undefined))
  }

  whenCommitted(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }
}
