import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { BrokerOptions } from '../config/broker-options.ts'
import type { Durability } from '../durability.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import { OffsetSet } from './offset-set.ts'
import { type DueTimer, PendingTimers } from './pending-timers.ts'
import { Recalls } from './recalls.ts'
import { MAX_DELIVERIES, TimerDelivery } from './timer-delivery.ts'
import { loadMarks, type TimerMarks } from './timer-marks.ts'
import type { TimerNotes } from './timer-notes.ts'
import { TimerQueue } from './timer-queue.ts'
import type { TimerRecord } from './timer-record.ts'
import { TimerRolls } from './timer-rolls.ts'
import { TimerScan } from './timer-scan.ts'

/** The wall clock may be set: it is looked at this often while timers wait. */
const LONGEST_SLEEP_MS = 1000
const RETRY_MS = 1000
const ROLL_CHECK_MS = 10_000
/** Timers older than this share of the time that segments are kept are moved to the log's end. */
const ROLL_AGE_SHARE = 0.5
/** With the disk this close to where segments go before their time, in percent, the log's oldest quarter is left. */
const DISK_MARGIN_PERCENT = 5
const FORCED_PERCENT = 85
const DANGEROUS_SHARE = 0.25

export interface TimersParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly store: MessageStore
  readonly gate: Durability
  readonly onDelivered: (topic: string, sizeBytes: number) => void
  readonly writer: MessageWriter
  readonly messages: StoredMessages
  /** What is stored in the timer queue from now on. */
  readonly notes: TimerNotes
  readonly retention: () => Pick<BrokerOptions['retention'], 'reservedMs'>
}

/**
 * Delivers messages at their time. All it knows follows from the log:
 *
 * - a timer is a message in queue 0 of the timer topic, due behind its `TIMER_OUT_MS`;
 * - a recall is one there with `TIMER_DEL_UNIQKEY`, of the same time;
 * - a mark is a message in queue 1 that names queue offsets of timers that are settled. It is stored behind the messages
 *   that were delivered for them, and says from where on queue and marks have to be read at the next start.
 *
 * What this process has stored itself it need not read there again: see `TimerNotes`.
 *
 * So whatever recovery cuts off the log's end is cut off here: a delivery without its mark is made again, a mark without
 * its delivery cannot be. Retention deletes timers before their marks; those that still wait are moved ahead of it.
 */
export class Timers {
  readonly pending = new PendingTimers()
  readonly #parts: TimersParts
  readonly #recalls = new Recalls()
  readonly #queue: TimerQueue
  readonly #delivery: TimerDelivery
  readonly #rolls: TimerRolls
  readonly #log: ThrottledLog
  readonly #stopping = new AbortController()
  readonly #work = new Set<Promise<void>>()
  #marks!: TimerMarks
  #scan!: TimerScan
  #settledBefore = new OffsetSet(0)
  #isReady = false
  #isDelivering = false
  #isRolling = false
  #wakeUp: TimerHandle | undefined
  #wakeUpAtMs = Number.POSITIVE_INFINITY
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #rollCheck: TimerHandle | undefined

  constructor(parts: TimersParts) {
    this.#parts = parts
    this.#log = new ThrottledLog(parts.clock, parts.logger)
    this.#queue = new TimerQueue(parts.store)
    this.#delivery = new TimerDelivery({
      store: parts.store,
      gate: parts.gate,
      queue: this.#queue,
      onDelivered: parts.onDelivered,
      isRecalled: (dueMs, topic, uniqKey) => this.#recalls.has(dueMs, topic, uniqKey),
      onLost: (why, timer) => this.#log.warn({ ...timer }, `a timer cannot be delivered: ${why}`),
    })
    this.#rolls = new TimerRolls({
      pending: this.pending,
      writer: parts.writer,
      messages: parts.messages,
      onMoved: (queueOffset) => {
        this.#recalls.moved(queueOffset)
        this.#settle(queueOffset)
      },
      next: async () => {
        this.#writeMarks()
        await nextTurn()
        return !this.#isStopping
      },
    })
  }

  /** Whether all that was stored before the start was read; nothing is delivered before. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Everything in the timer queue below this offset was read. */
  get readTo(): number {
    return this.#scan.position
  }

  /** Reads the marks; timers are read and delivered from now on, in turns of their own. */
  async start(): Promise<void> {
    const { marks, scanFrom, settled } = await loadMarks(this.#parts.writer, this.#parts.messages)
    const { min, max } = this.#queue.bounds
    this.#marks = marks
    this.#settledBefore = settled
    this.#scan = new TimerScan(
      this.#queue,
      this.#parts.notes,
      {
        scanning: (from) => this.#marks.scanning(from),
        found: (record) => this.#found(record),
        noted: (dueMs, queueOffset) => this.pending.add(dueMs, queueOffset, false),
      },
      scanFrom > max ? min : Math.max(scanFrom, min),
    )
    this.#run(() => this.#scanOn(), 'timers are read no longer')
    this.#rollCheck = this.#parts.clock.every(ROLL_CHECK_MS, () => this.#checkRolls())
  }

  /** Called off from now on; to be called when the recall is in the log, in the same turn. */
  recalled(dueMs: number, key: string): void {
    this.#recalls.add(dueMs, key)
  }

  /** Waits for the turn in flight. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#wakeUp?.cancel()
    this.#rollCheck?.cancel()
    await Promise.all(this.#work)
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Starts work that `stop` waits for. */
  #run(work: () => Promise<void>, failed: string): void {
    const running = work()
      .catch((error: unknown) => {
        if (!this.#isStopping) this.#parts.logger.error({ error }, failed)
      })
      .finally(() => this.#work.delete(running))
    this.#work.add(running)
  }

  async #scanOn(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#scanStep()
      } catch (error) {
        if (this.#isStopping) return
        this.#parts.logger.error({ error }, 'the timer queue cannot be read now and is tried again')
        await this.#sleep(RETRY_MS)
      }
    }
  }

  async #scanStep(): Promise<void> {
    if (await this.#scan.advance()) {
      if (this.#isReady) this.#arm()
      await nextTurn()
      return
    }
    if (!this.#isReady) this.#ready()
    await this.#queue.whenArrived(this.#scan.position, this.#stopping.signal)
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(ms, resolve)
      this.#stopping.signal.addEventListener('abort', () => {
        timer.cancel()
        resolve()
      })
    })
  }

  #ready(): void {
    this.#isReady = true
    this.#settledBefore = new OffsetSet(0)
    this.#parts.logger.info({ pending: this.pending.size }, 'timers are read')
    this.#arm()
  }

  #found(record: TimerRecord): void {
    const { queueOffset, dueMs, recalledKey } = record
    if (this.#settledBefore.has(queueOffset)) return
    if (Number.isNaN(dueMs)) {
      this.#log.warn({ queueOffset }, 'a message in the timer queue does not say when it is due')
      return
    }
    this.pending.add(dueMs, queueOffset, recalledKey !== undefined)
    if (recalledKey !== undefined) this.#recalls.stored(queueOffset, dueMs, recalledKey)
  }

  /** Wakes up when the next timer is due. */
  #arm(): void {
    if (this.#isDelivering || this.#isStopping) return
    const dueMs = Math.max(this.pending.nextDueMs, this.#notBeforeMs)
    if (dueMs === Number.POSITIVE_INFINITY || dueMs >= this.#wakeUpAtMs) return
    const nowMs = this.#parts.clock.nowMs()
    this.#wakeUp?.cancel()
    this.#wakeUpAtMs = dueMs
    const sleepMs = Math.min(Math.max(0, dueMs - nowMs), LONGEST_SLEEP_MS)
    this.#wakeUp = this.#parts.clock.after(sleepMs, () => {
      this.#wakeUpAtMs = Number.POSITIVE_INFINITY
      if (this.#isStopping) return
      if (Math.max(this.pending.nextDueMs, this.#notBeforeMs) > this.#parts.clock.nowMs()) this.#arm()
      else this.#run(() => this.#deliver(), 'a turn of timers failed')
    })
  }

  async #deliver(): Promise<void> {
    this.#isDelivering = true
    try {
      while (!this.#isStopping && (await this.#turn())) await nextTurn()
    } catch (error) {
      this.#pause()
      throw error
    } finally {
      this.#isDelivering = false
      this.#arm()
    }
  }

  /** Delivers some of what is due; false when nothing is, or when the store takes nothing now. */
  async #turn(): Promise<boolean> {
    const timers: DueTimer[] = []
    const recalls: DueTimer[] = []
    const nowMs = this.#parts.clock.nowMs()
    for (let due = this.pending.take(nowMs); due !== undefined; due = this.pending.take(nowMs)) {
      if (due.isRecall) recalls.push(due)
      else timers.push(due)
      if (timers.length + recalls.length === MAX_DELIVERIES) break
    }
    if (timers.length + recalls.length === 0) return false
    const { settled, failed } = await this.#delivered(timers, recalls)
    for (const { queueOffset } of settled) this.#settle(queueOffset)
    for (const timer of failed) this.pending.putBack(timer)
    for (const recall of recalls) this.#over(recall, failed.length > 0)
    const isWritten = this.#writeMarks()
    if (failed.length === 0 && isWritten) return true
    this.#pause()
    this.#log.warn({ failed: failed.length }, 'timers cannot be stored now and are tried again')
    return false
  }

  /** What was taken is put back when reading fails. */
  async #delivered(timers: readonly DueTimer[], recalls: readonly DueTimer[]) {
    try {
      return await this.#delivery.deliver(timers, () => this.#parts.clock.nowMs())
    } catch (error) {
      for (const due of [...timers, ...recalls]) this.pending.putBack(due)
      throw error
    }
  }

  /** A recall counts until everything of its time is settled. */
  #over(recall: DueTimer, isTooSoon: boolean): void {
    if (isTooSoon) {
      this.pending.putBack(recall)
      return
    }
    this.#recalls.over(recall.queueOffset)
    this.#settle(recall.queueOffset)
  }

  #settle(queueOffset: number): void {
    this.pending.settle(queueOffset)
    this.#marks.add(queueOffset)
  }

  #writeMarks(): boolean {
    return this.#marks.write(this.pending.oldest ?? this.#scan.position, this.#parts.clock.nowMs())
  }

  #pause(): void {
    this.#notBeforeMs = this.#parts.clock.nowMs() + RETRY_MS
  }

  #checkRolls(): void {
    if (!this.#isReady || this.#isRolling || this.#isStopping || this.pending.size === 0) return
    this.#isRolling = true
    this.#run(async () => {
      try {
        await this.#roll()
      } finally {
        this.#isRolling = false
      }
    }, 'timers could not be moved ahead of retention')
  }

  async #roll(): Promise<void> {
    const { clock, store, retention, logger } = this.#parts
    const moved = await this.#rolls.round({
      nowMs: clock.nowMs(),
      // Retention's own time: it does not follow a clock that jumps.
      storedBeforeMs: store.retention.verifiedTimeMs - retention().reservedMs * ROLL_AGE_SHARE,
      physicalOffset: dangerousBelow(store),
      endOffset: this.#scan.position,
    })
    if (moved === 0) return
    this.#writeMarks()
    logger.info({ moved }, 'timers were moved to the end of the log, ahead of retention')
  }
}

/** Where the log ends that may be deleted before its time; 0 while the disk is far from that. */
const dangerousBelow = (store: MessageStore): number => {
  const { logUsedRatio, rootUsedRatio } = store.retention
  if (Math.max(logUsedRatio, rootUsedRatio) * 100 < FORCED_PERCENT - DISK_MARGIN_PERCENT) return 0
  const { minPhysicalOffset, watermarks } = store
  return minPhysicalOffset + (watermarks.appended - minPhysicalOffset) * DANGEROUS_SHARE
}
