import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { SystemTopic } from '../../protocol/names.ts'
import { PERM_READ, PERM_WRITE } from '../../protocol/permissions.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import type { TopicCreator } from '../topics/topic-table.ts'
import type { CheckPush } from './check-push.ts'
import { Ending } from './ended-halves.ts'
import { createHalfTopic } from './half-detour.ts'
import type { HalfLedger } from './half-ledger.ts'
import { checkTimesOf, copyOf, discardedOf, HALF_QUEUE_ID, immunityMsOf } from './half-message.ts'
import { type QueueRun, readRun } from './queue-run.ts'

/** What the check goes by; may change while the broker runs. */
export interface CheckSettings {
  readonly intervalMs: number
  /** Age at which the producer of a half is asked. */
  readonly timeoutMs: number
  /** How often it is asked at most. */
  readonly maxTimes: number
  /** Age at which a half that was asked about is given up. */
  readonly reservedMs: number
}

/** What the check needs. */
export interface TransactionCheckParts {
  readonly store: MessageStore
  readonly messages: Pick<StoredMessages, 'ofQueue'>
  /** Stores what it is given, with no detours. */
  readonly writer: Pick<MessageWriter, 'write'>
  readonly ledger: HalfLedger
  readonly topics: Pick<TopicCreator, 'createOnSendBack'>
  readonly push: Pick<CheckPush, 'producerOf' | 'ask'>
  readonly settings: () => CheckSettings
  readonly clock: Clock
  readonly logger: Logger
}

/** What became of a half that was looked at. */
type Looked =
  | 'passed'
  /** Too young: it, and all behind it, wait for the next round. */
  | 'young'
  /** The store takes nothing now. */
  | 'stuck'

/** What one round did. */
export interface RoundReport {
  /** Halves whose producers were to be asked, whether one was there or not. */
  readonly checked: number
  /** Halves put back because they are not to be asked about yet, or nobody could read more. */
  readonly postponed: number
  readonly discarded: number
}

const HALVES_PER_TURN = 32
/** Ended halves passed over without a turn of the event loop between. */
const ENDED_PER_TURN = 65_536
const TRIES_WHEN_BUSY = 3

/**
 * Looks at all halves that have not ended, once per interval: those over their time are stored again behind all others
 * and their producers asked, those that nobody answers for are moved to a topic where people find them.
 *
 * One half that cannot be asked about or stored keeps none of the others from it. A round looks at what was in the queue
 * when it began, a few halves per turn of the event loop.
 */
export class TransactionCheck {
  readonly #parts: TransactionCheckParts
  #timer: TimerHandle | undefined
  #round: Promise<unknown> | undefined
  #stopped = false
  readonly #faults: ThrottledLog
  #report = { checked: 0, postponed: 0, discarded: 0 }

  constructor(parts: TransactionCheckParts) {
    this.#parts = parts
    this.#faults = new ThrottledLog(parts.clock, parts.logger)
  }

  /** Begins to count the first interval. */
  start(): void {
    this.#timer = this.#parts.clock.after(this.#parts.settings().intervalMs, () => {
      this.#round = this.round()
        .catch((error: unknown) => this.#failed(error))
        .finally(() => {
          if (!this.#stopped) this.start()
        })
    })
  }

  /** Ends the round that is going on after the halves of this turn. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#round
  }

  /** One round; not to be called while one is going on. */
  async round(): Promise<RoundReport> {
    const { store, ledger, topics } = this.#parts
    this.#report = { checked: 0, postponed: 0, discarded: 0 }
    createHalfTopic(topics)
    await ledger.load()
    const bounds = store.bounds(store.topic(SystemTopic.TRANS_HALF), HALF_QUEUE_ID)
    if (bounds !== undefined) {
      const from = Math.max(ledger.nextHalf, bounds.min)
      this.#tellOfGaps(ledger.nextHalf, { messages: [], nextOffset: from })
      await this.#lookAt(from, bounds.max)
      if (!this.#stopped) ledger.save()
    }
    return this.#report
  }

  async #lookAt(from: number, end: number): Promise<void> {
    const { ledger, messages } = this.#parts
    for (let at = from; at < end && !this.#stopped; ) {
      const open = ledger.next(at, Math.min(end, at + ENDED_PER_TURN), true)
      if (open > at) {
        at = open
        ledger.advance(at)
        await nextTurn()
        continue
      }
      const run = ledger.next(at, Math.min(end, at + HALVES_PER_TURN), false) - at
      const read = await readRun(messages, SystemTopic.TRANS_HALF, at, run)
      for (const half of read.messages) {
        if (half.queueOffset >= end || !(await this.#passes(half))) return
        ledger.advance(half.queueOffset + 1)
      }
      if (read.nextOffset <= at) return
      this.#tellOfGaps(at, read)
      at = Math.min(read.nextOffset, end)
      ledger.advance(at)
      await nextTurn()
    }
  }

  #tellOfGaps(from: number, { messages, nextOffset }: QueueRun): void {
    const lost = nextOffset - from - messages.length
    if (lost > 0) this.#faults.warn({ from, lost }, 'halves that can no longer be read were passed over')
  }

  /** False when the round ends here. */
  async #passes(half: StoredMessage): Promise<boolean> {
    const { store } = this.#parts
    for (let tries = 0; tries < TRIES_WHEN_BUSY && !this.#stopped; tries++) {
      const looked = this.#look(half)
      if (looked !== 'stuck') return looked === 'passed'
      await store.whenCommitted(store.watermarks.appended)
      await nextTurn()
    }
    if (!this.#stopped) this.#parts.logger.warn({ queueOffset: half.queueOffset }, 'a half could not be stored again')
    return false
  }

  #look(half: StoredMessage): Looked {
    const { ledger, clock, settings } = this.#parts
    if (ledger.endingOf(half) !== Ending.OPEN) ledger.forget(half)
    if (ledger.endingOf(half) !== Ending.OPEN || ledger.isReplaced(half)) return 'passed'
    const { timeoutMs, maxTimes, reservedMs } = settings()
    const times = checkTimesOf(half)
    const ageMs = clock.nowMs() - half.bornTimestamp
    const isOld = ageMs > reservedMs
    if (times !== undefined && (times >= maxTimes || (isOld && times > 0))) return this.#discard(half)
    const ownImmunityMs = immunityMsOf(half, timeoutMs)
    if (!isOld && ownImmunityMs !== undefined && ageMs < ownImmunityMs) return this.#postpone(half)
    if (!isOld && ownImmunityMs === undefined && ageMs >= 0 && ageMs < timeoutMs) return 'young'
    return this.#check(half, Math.max(times ?? 0, 0) + 1)
  }

  #check(half: StoredMessage, times: number): Looked {
    const { push } = this.#parts
    const producer = push.producerOf(half)
    if (producer === 'busy') return this.#postpone(half)
    const copy = this.#putBack(half, times)
    if (copy === 'stuck') return 'stuck'
    if (producer !== undefined) push.ask(copy ?? half, producer)
    if (copy === undefined) return this.#discard(half)
    this.#report.checked += 1
    return 'passed'
  }

  #postpone(half: StoredMessage): Looked {
    const copy = this.#putBack(half, undefined)
    if (copy === 'stuck') return 'stuck'
    if (copy === undefined) return this.#discard(half)
    this.#report.postponed += 1
    return 'passed'
  }

  /** The copy as it is stored; undefined when there can be none: the half has no room for more properties. */
  #putBack(half: StoredMessage, times: number | undefined): StoredMessage | 'stuck' | undefined {
    const { writer, ledger } = this.#parts
    const copy = copyOf(half, times)
    const { status, queueOffset, physicalOffset } = writer.write(copy)
    if (isOfMessage(status)) return undefined
    if (status !== AppendStatus.OK) return 'stuck'
    ledger.putBack(half, queueOffset)
    return { ...half, queueOffset, physicalOffset, properties: copy.properties }
  }

  /** A producer may still end it, where it was last stored. */
  #discard(half: StoredMessage): Looked {
    const { writer, ledger, topics } = this.#parts
    topics.createOnSendBack(SystemTopic.TRANS_CHECK_MAX_TIME, 1, PERM_READ | PERM_WRITE, 0)
    const { status } = writer.write(discardedOf(half))
    if (status !== AppendStatus.OK && !isOfMessage(status)) return 'stuck'
    const facts = {
      queueOffset: half.queueOffset,
      physicalOffset: half.physicalOffset,
      stored: status === AppendStatus.OK,
    }
    this.#faults.warn(facts, 'a half that nobody ended was given up')
    ledger.forget(half)
    this.#report.discarded += 1
    return 'passed'
  }

  #failed(error: unknown): void {
    if (!this.#stopped) this.#parts.logger.error({ error }, 'a round of the transaction check failed')
  }
}

/** Whether an append failed for what is wrong with the message: it will not get better. */
const isOfMessage = (status: AppendStatus): boolean =>
  status === AppendStatus.TOO_LARGE || status === AppendStatus.INVALID_ARGUMENT
