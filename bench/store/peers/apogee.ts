import {
  AppendBatch,
  AppendStatus,
  type MessageStore,
  openMessageStore,
  type TopicHandle,
} from '../../../lib/store/index.ts'
import type { BodySource } from '../body-source.ts'
import type { Peer, PeerOptions } from './peer.ts'

const QUEUES = 8
/** Rows of one native call where nobody waits for the device. */
const ASYNC_GROUP = 32
const SYNC_GROUP = 1024
const ADDRESS_BYTES = 4

type Waiter = { readonly resolve: () => void; readonly reject: (cause: unknown) => void }

/** `direct` is the staged path with O_DIRECT. */
const writePathOptions = (writePath: string): object =>
  writePath === 'direct' ? { writePath: 'staged', directIo: true } : { writePath }

/** Our store, used as the broker uses it: one native call for all that append in one turn of the event loop. */
class ApogeePeer implements Peer {
  readonly #store: MessageStore
  readonly #topic: TopicHandle
  readonly #source: BodySource
  readonly #batch: AppendBatch
  readonly #isSync: boolean
  #waiters: Waiter[] = []
  #queueId = 0
  #isScheduled = false
  #endOffset = 0
  #deletionFailure: unknown

  constructor(store: MessageStore, source: BodySource) {
    this.#store = store
    this.#topic = store.topic('Bench')
    this.#source = source
    this.#isSync = store.flushMode === 'sync'
    this.#batch = new AppendBatch(this.#isSync ? SYNC_GROUP : ASYNC_GROUP)
    this.#batch.aux.fill(0, 0, ADDRESS_BYTES)
  }

  append(start: number): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }))
    this.#add(start)
    if (this.#batch.count === this.#batch.capacity) {
      this.#appendBatch()
    } else if (!this.#isScheduled) {
      this.#isScheduled = true
      queueMicrotask(() => {
        this.#isScheduled = false
        this.#appendBatch()
      })
    }
    return done
  }

  appendAll(starts: readonly number[]): void {
    this.#batch.body = this.#source.bytes
    for (const start of starts) this.#add(start)
    this.#store.append(this.#batch)
    this.#endOffset = this.#batch.endOffset
    const wrong = this.#firstWrong()
    this.#batch.clear()
    if (wrong !== undefined) throw wrong
  }

  endOffset(): number {
    return this.#endOffset
  }

  deleteBelow(offset: number): void {
    this.#store.truncateBefore(offset).catch((error: unknown) => {
      this.#deletionFailure ??= error
    })
  }

  async settle(): Promise<void> {
    if (this.#deletionFailure !== undefined) throw this.#deletionFailure
    if (this.#endOffset > 0) await this.#store.whenFlushed(this.#endOffset)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #add(start: number): void {
    this.#batch.add(
      this.#topic,
      this.#queueId,
      0,
      0,
      0,
      0,
      0,
      0,
      ADDRESS_BYTES,
      0,
      start,
      this.#source.bodyBytes,
      0,
      0,
      1,
    )
    this.#queueId = (this.#queueId + 1) % QUEUES
  }

  #appendBatch(): void {
    if (this.#batch.count === 0) return
    const waiters = this.#waiters
    this.#waiters = []
    this.#batch.body = this.#source.bytes
    this.#store.append(this.#batch)
    const { endOffset } = this.#batch
    const wrong = this.#firstWrong()
    this.#batch.clear()
    if (wrong !== undefined) {
      for (const waiter of waiters) waiter.reject(wrong)
      return
    }
    this.#endOffset = endOffset
    if (!this.#isSync) {
      for (const waiter of waiters) waiter.resolve()
      return
    }
    this.#store.onFlushed(endOffset, (error) => {
      for (const waiter of waiters) error === undefined ? waiter.resolve() : waiter.reject(error)
    })
    this.#store.requestFlush(endOffset)
  }

  #firstWrong(): Error | undefined {
    for (let row = 0; row < this.#batch.count; row++) {
      const status = this.#batch.status(row)
      if (status !== AppendStatus.OK) {
        return new Error(`append status ${status}`, { cause: this.#store.failure })
      }
    }
    return undefined
  }
}

export const openApogee = async (options: PeerOptions): Promise<Peer> => {
  const { directory, flush, writePath, source, segmentBytes, stagingBytes } = options
  const store = await openMessageStore({
    rootDir: directory,
    segmentBytes,
    stagingBytes,
    storeHost: { address: '127.0.0.1', port: 10911 },
    flush: { mode: flush },
    // This thread only appends: it may wait for the device as the others do.
    stagingWaitMs: 1000,
    // Several segments a second, where the pauses are meant for one in minutes.
    retention: { deleteSegmentIntervalMs: 0, deleteQueueFilesIntervalMs: 0 },
    ...writePathOptions(writePath),
  })
  // The store of an empty directory has nothing to note but that it cannot write as it was asked to.
  const [note] = store.recovery.notes
  if (writePath === 'direct' && note !== undefined) {
    await store.close()
    throw new Error(note)
  }
  return new ApogeePeer(store, source)
}
