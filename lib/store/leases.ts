import { decodeMessage, type LogMessage } from './log-message.ts'
import type { MessageStore } from './message-store.ts'

/**
 * One record in the log's own memory, without a copy. The log file stays mapped until the lease ends: by `release()`,
 * at the end of a `using` block, when the store is closed, or when the garbage collector finds it forgotten.
 *
 * The bytes are to be read only: what is written to them is written to the log.
 */
export class Lease implements Disposable {
  /** The whole record in RocketMQ's format. Empty once the lease has ended. */
  readonly bytes: Buffer
  readonly #detach: (bytes: ArrayBuffer) => void

  /** @internal */
  constructor(bytes: ArrayBuffer, detach: (bytes: ArrayBuffer) => void) {
    this.bytes = Buffer.from(bytes)
    this.#detach = detach
  }

  /**
   * The decoded message; its `body` is a view that ends with the lease.
   * @throws {StoreError} `STORE_CORRUPTION`, also when the lease has ended
   */
  message(): LogMessage {
    return decodeMessage(this.bytes, 0, this.bytes.length, false)
  }

  /** Ends the lease: every view of the bytes is empty from then on. May be called more than once, and after `close`. */
  release(): void {
    this.#detach(this.bytes.buffer as ArrayBuffer)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** The leases of one store that may still be alive. Does not keep them alive. */
export class Leases {
  readonly #store: Pick<MessageStore, 'leaseRecord' | 'detach'>
  readonly #live = new Set<WeakRef<ArrayBuffer>>()
  readonly #forgotten = new FinalizationRegistry<WeakRef<ArrayBuffer>>((reference) => this.#live.delete(reference))

  constructor(store: Pick<MessageStore, 'leaseRecord' | 'detach'>) {
    this.#store = store
  }

  /** How many have not ended. Those that were forgotten count until the garbage collector finds them. */
  get size(): number {
    return this.#live.size
  }

  open(physicalOffset: number): Lease | undefined {
    const bytes = this.#store.leaseRecord(physicalOffset)
    if (bytes === undefined) return undefined
    const reference = new WeakRef(bytes)
    this.#live.add(reference)
    this.#forgotten.register(bytes, reference, reference)
    return new Lease(bytes, () => this.#end(reference))
  }

  close(): void {
    for (const reference of [...this.#live]) this.#end(reference)
  }

  #end(reference: WeakRef<ArrayBuffer>): void {
    if (!this.#live.delete(reference)) return
    this.#forgotten.unregister(reference)
    const bytes = reference.deref()
    if (bytes !== undefined) this.#store.detach(bytes)
  }
}
