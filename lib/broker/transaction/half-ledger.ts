import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import type { HostAddress } from '../../protocol/host-address.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { SystemGroup, SystemTopic } from '../../protocol/names.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'
import type { MessageWriter, Written } from '../messages/message-writer.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import type { OffsetWriter } from '../offsets/consumer-offsets.ts'
import { EndedHalves, Ending } from './ended-halves.ts'
import { HALF_QUEUE_ID, halvesOfOp, opMessageOf, originOf } from './half-message.ts'
import { readRun } from './queue-run.ts'

/** What the ledger is kept with. */
export interface HalfLedgerParts {
  readonly store: MessageStore
  readonly messages: Pick<StoredMessages, 'ofQueue'>
  /** Stores what it is given, with no detours. */
  readonly writer: Pick<MessageWriter, 'write'>
  readonly offsets: OffsetWriter
  readonly clock: Clock
  readonly logger: Logger
  /** What op messages name as the host they were born at. */
  readonly host: HostAddress
}

const SAVE_TIMEOUT_MS = 3_000
const OPS_AT_ONCE = 1024
/** An op message that ends nothing. */
const NO_HALF = -1

/**
 * Knows which halves have ended. All of it stands in the op queue, read once at the start from where the system's group
 * is; then every end is written by this broker, and noted here with it.
 *
 * The group's offset in the half queue passes a half when it has ended or was stored again behind all others; that in the
 * op queue passes an op message when it has passed the half.
 */
export class HalfLedger {
  readonly #parts: HalfLedgerParts
  readonly #faults: ThrottledLog
  readonly #ended = new EndedHalves()
  /** The last copy of a half that was put back, by the offset of the first. */
  readonly #copies = new Map<number, number>()
  /** Of each op message that is not passed: the half it ends, the last one when it ends several. */
  #ops: number[] = []
  #opsHead = 0
  #firstOp = 0
  #nextHalf = 0
  #loading: Promise<void> | undefined
  #stopped = false

  /** Takes the group's offsets as they are: to be made before new halves are stored. */
  constructor(parts: HalfLedgerParts) {
    this.#parts = parts
    this.#faults = new ThrottledLog(parts.clock, parts.logger)
    this.#nextHalf = this.#start(SystemTopic.TRANS_HALF)
    this.#firstOp = this.#start(SystemTopic.TRANS_OP_HALF)
  }

  /** First half that is still to be looked at. */
  get nextHalf(): number {
    return this.#nextHalf
  }

  /** Op messages that are not passed. */
  get openOps(): number {
    return this.#ops.length - this.#opsHead
  }

  /** Resolves when the op queue has been read. A read that failed is tried again by the next call. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  /** How the transaction of a half ended. */
  endingOf(half: Pick<StoredMessage, 'properties' | 'queueOffset'>): Ending {
    return this.#ended.of(originOf(half)) || this.#ended.of(half.queueOffset)
  }

  /** Whether a later copy of the half stands for it. */
  isReplaced(half: StoredMessage): boolean {
    return (this.#copies.get(originOf(half)) ?? -1) > half.queueOffset
  }

  /** First half from `from` on, and below `end`, that has not ended (or, with false, has); else `end`. */
  next(from: number, end: number, open: boolean): number {
    return this.#ended.next(from, end, open)
  }

  /** Stores the op message of a half and notes its end, also when the op message cannot be stored. */
  end(half: StoredMessage, ending: Ending): Written {
    const origin = originOf(half)
    const last = this.#copies.get(origin) ?? half.queueOffset
    const written = this.#writeOp(last)
    if (written.status === AppendStatus.OK) this.#noteOp(written.queueOffset, last)
    if (written.status === AppendStatus.OK || ending === Ending.COMMITTED) {
      for (const offset of [origin, half.queueOffset, last]) this.#ended.set(offset, ending)
      this.#copies.delete(origin)
    }
    return written
  }

  /** A half was stored again at `copyOffset`. */
  putBack(half: StoredMessage, copyOffset: number): void {
    this.#copies.set(originOf(half), copyOffset)
  }

  /** A half was looked at and needs no more. */
  forget(half: StoredMessage): void {
    const origin = originOf(half)
    if (this.#copies.get(origin) === half.queueOffset) this.#copies.delete(origin)
  }

  /** All halves below were looked at. */
  advance(halfOffset: number): void {
    this.#nextHalf = Math.max(this.#nextHalf, halfOffset)
  }

  /**
   * Stores how far the group has come, once everything written so far is on the device: what the offsets pass must not
   * be lost afterwards.
   */
  save(): void {
    const { store } = this.#parts
    const halfOffset = this.#nextHalf
    store.onFlushed(store.watermarks.appended, (error) => {
      if (error === undefined && !this.#stopped) this.#commit(halfOffset)
    })
  }

  /** Saves what it can within 3 s. */
  async stop(): Promise<void> {
    const { store, clock } = this.#parts
    const halfOffset = this.#nextHalf
    const saved = store.whenFlushed(store.watermarks.appended).then(
      () => this.#commit(halfOffset),
      () => undefined,
    )
    let timer: TimerHandle | undefined
    const late = new Promise<void>((resolve) => {
      timer = clock.after(SAVE_TIMEOUT_MS, resolve)
    })
    await Promise.race([saved, late])
    timer?.cancel()
    this.#stopped = true
  }

  #commit(halfOffset: number): void {
    const ops = this.#ops
    while (this.#opsHead < ops.length && ops[this.#opsHead]! < halfOffset) this.#opsHead += 1
    const opOffset = this.#firstOp + this.#opsHead
    if (this.#opsHead === ops.length || this.#opsHead > OPS_AT_ONCE) {
      this.#ops = ops.slice(this.#opsHead)
      this.#firstOp = opOffset
      this.#opsHead = 0
    }
    this.#ended.passed(halfOffset)
    this.#store(SystemTopic.TRANS_HALF, halfOffset)
    this.#store(SystemTopic.TRANS_OP_HALF, opOffset)
  }

  #store(topic: string, offset: number): void {
    const { offsets } = this.#parts
    if (offsets.find(SystemGroup.SYS_TRANS, topic, HALF_QUEUE_ID) === offset) return
    offsets.commit(SystemGroup.SYS_TRANS, topic, HALF_QUEUE_ID, offset)
  }

  async #load(): Promise<void> {
    let at = this.#firstOp + this.#ops.length
    while (!this.#stopped) {
      const read = await readRun(this.#parts.messages, SystemTopic.TRANS_OP_HALF, at, OPS_AT_ONCE)
      for (const op of read.messages) this.#takeOp(op)
      if (read.nextOffset <= at) return
      at = read.nextOffset
      await nextTurn()
    }
  }

  /** Where the group stands, within what the queue has. */
  #start(topic: string): number {
    const { store, offsets, logger } = this.#parts
    const { min, max } = store.bounds(store.topic(topic), HALF_QUEUE_ID) ?? { min: 0, max: 0 }
    const stored = offsets.find(SystemGroup.SYS_TRANS, topic, HALF_QUEUE_ID) ?? min
    const start = Math.min(Math.max(stored, min), max)
    if (start !== stored)
      logger.warn({ topic, stored, min, max }, 'the offset of the transaction check is not in its queue')
    return start
  }

  #takeOp(op: StoredMessage): void {
    const halves = halvesOfOp(op)
    if (halves.length === 0) this.#faults.warn({ queueOffset: op.queueOffset }, 'a message of the op queue is no op')
    for (const half of halves) this.#ended.set(half, Ending.ONE_OR_THE_OTHER)
    this.#noteOp(op.queueOffset, Math.max(NO_HALF, ...halves))
  }

  /** Offsets without a message end nothing. */
  #noteOp(opOffset: number, halfOffset: number): void {
    while (this.#firstOp + this.#ops.length < opOffset) this.#ops.push(NO_HALF)
    this.#ops.push(halfOffset)
  }

  #writeOp(halfOffset: number): Written {
    const { writer, host, clock } = this.#parts
    return writer.write(opMessageOf(halfOffset, { host, nowMs: clock.nowMs() }))
  }
}
