import type { Clock } from '../../base/clock.ts'
import { errorText } from '../../base/errors.ts'
import type { Logger } from '../../base/logging.ts'
import { ResponseError } from '../../net/handler.ts'
import { FLAG_RESPONSE } from '../../protocol/remoting-command.ts'
import { ResponseCode, type ResponseCodeName } from '../../protocol/response-codes.ts'
import { PullSysFlag } from '../../protocol/sys-flags.ts'
import type { MessageStore, ReadLimits } from '../../store/message-store.ts'
import type { PullResult } from '../../store/pull-result.ts'
import { PullStatus } from '../../store/status.ts'
import type { LongPolling, ParkedPull, Wake } from './long-polling.ts'
import { completePlan, type PullSources, recheckPull } from './pull-check.ts'
import { PullPlan } from './pull-plan.ts'
import { type DiskWait, MAX_FILTERED_ENTRIES, type PullBounds, PullReader } from './pull-reader.ts'
import type { PullRequest } from './pull-request.ts'
import { writePullAnswer } from './pull-response.ts'

/** Settings the pull path follows. */
export interface PullSettings {
  /** Most messages one answer carries, whatever was asked. */
  readonly maxTransferCount: number
  /** Bytes after which an answer is full. */
  readonly maxTransferBytes: number
  readonly longPollingEnable: boolean
  readonly shortPollingTimeMs: number
  readonly slaveReadEnable: boolean
  /** A slave stores no offsets that come with pulls. Default false. */
  readonly isSlave?: boolean
  /** Whether a slave corrects offsets that are out of bounds; else it sends the consumer elsewhere. Default false. */
  readonly checkOffsetInSlave?: boolean
  /** A reader further behind than this is sent to a slave (only with `slaveReadEnable`). */
  readonly memoryWindowBytes: number
  /** Of messages that are likely on disk; the same object as long as they are the same. */
  readonly readLimits: ReadLimits
}

/** What the pull path tells the rest of the broker. */
export interface PullEffects {
  commitOffset(group: string, topic: string, queueId: number, queueOffset: number): void
  /** The store was asked; count 0 when it had nothing. */
  messagesGot(count: number, sizeBytes: number): void
  /** A group gets messages: how long they took to read, and how much of the log is behind them. */
  groupGot(request: PullRequest, count: number, sizeBytes: number, latencyMs: number, behindBytes: number): void
  /** A consumer's offset was out of bounds and is corrected. */
  offsetMoved(event: { group: string; topic: string; queueId: number; asked: number; corrected: number }): void
}

const MASTER_ID = 0
const NO_RECORDS = Buffer.alloc(0)
/** Longest wait for messages; clients ask for 15 to 30 s. */
export const MAX_SUSPEND_MS = 600_000

const responseCodeOf = (status: PullStatus, queueOffset: number): ResponseCodeName => {
  switch (status) {
    case PullStatus.FOUND:
      return 'SUCCESS'
    case PullStatus.MESSAGE_WAS_REMOVING:
    case PullStatus.NO_MATCHED_MESSAGE:
      return 'PULL_RETRY_IMMEDIATELY'
    case PullStatus.NO_MATCHED_QUEUE:
    case PullStatus.NO_MESSAGE_IN_QUEUE:
      return queueOffset === 0 ? 'PULL_NOT_FOUND' : 'PULL_OFFSET_MOVED'
    case PullStatus.OFFSET_OVERFLOW_BADLY:
    case PullStatus.OFFSET_TOO_SMALL:
      return 'PULL_OFFSET_MOVED'
    default:
      return 'PULL_NOT_FOUND'
  }
}

/**
 * Whether a later message can change what the pull found. Not when an entry below the queue's end cannot be read now:
 * the consumer has to ask again.
 */
const isWorthWaiting = (status: PullStatus, code: ResponseCodeName): boolean =>
  status === PullStatus.NO_MATCHED_MESSAGE || (code === 'PULL_NOT_FOUND' && status !== PullStatus.OFFSET_FOUND_NULL)

type PullStore = Pick<MessageStore, 'pull' | 'readAhead' | 'setReadLimits'>

/** Answers pulls: from the store when there is something, later when there is not. */
export class PullService {
  readonly #store: PullStore
  readonly #sources: PullSources
  readonly #settings: PullSettings
  readonly #effects: PullEffects
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #logger: Logger
  readonly #reader: PullReader
  #polling: LongPolling | undefined
  #limits: ReadLimits | undefined
  /** The pull that is answered now: one at a time. */
  readonly #plan = new PullPlan()
  readonly #bounds: { -readonly [K in keyof PullBounds]: PullBounds[K] } = { maxCount: 0, maxBytes: 0 }

  constructor(parts: {
    readonly store: PullStore
    readonly sources: PullSources
    readonly settings: PullSettings
    readonly effects: PullEffects
    readonly clock: Pick<Clock, 'monotonicMs'>
    readonly logger: Logger
  }) {
    this.#store = parts.store
    this.#reader = new PullReader(parts.store, parts.clock)
    this.#sources = parts.sources
    this.#settings = parts.settings
    this.#effects = parts.effects
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  /** Where pulls wait; made with `wake` of this service. */
  set polling(polling: LongPolling) {
    this.#polling = polling
  }

  /**
   * Answers the pull or parks it; one that wants no answer is checked and its offset taken, no more.
   * @throws {ResponseError} when it may not be answered with messages at all
   */
  pull(request: PullRequest): void {
    const plan = this.#plan
    plan.ask(request)
    completePlan(plan, this.#sources)
    if (!request.oneway) this.#serve(plan, request.queueOffset)
    if ((request.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0 && this.#settings.isSlave !== true) {
      this.#effects.commitOffset(request.group, request.topic, request.queueId, request.commitOffset)
    }
  }

  /**
   * Continues a pull whose wait is over; one that still has nothing that passes waits on. It is checked again, as what
   * it asks for may be gone or forbidden by now.
   */
  readonly wake = (parked: ParkedPull, why: Wake): void => {
    if (parked.connection.closed) return
    try {
      recheckPull(parked, this.#sources)
      const code = this.#read(parked, parked.scannedTo, 'always')
      if (why === 'arrival' && isWorthWaiting(this.#result.status, code)) {
        if (code !== 'PULL_NOT_FOUND') parked.scannedTo = this.#result.nextBeginOffset
        if (this.#polling?.parkAgain(parked) === true) return
      }
      const skipped = code === 'PULL_NOT_FOUND' && parked.scannedTo > parked.queueOffset
      this.#answer(parked, skipped ? 'PULL_RETRY_IMMEDIATELY' : code)
    } catch (error) {
      if (!(error instanceof ResponseError)) {
        this.#logger.error({ error, topic: parked.topic, group: parked.group }, 'a parked pull could not be answered')
      }
      this.#refuse(parked, error)
    }
  }

  get #result(): PullResult {
    return this.#reader.result
  }

  /**
   * Serves a pull whose messages below `from` did not pass its filter.
   * @param waitedMs for the disk; undefined when that was not done yet
   */
  #serve(plan: PullPlan, from: number, waitedMs?: number): void {
    const code = this.#read(plan, from, waitedMs === undefined ? 'never' : 'at-start')
    const { status, nextBeginOffset } = this.#result
    if (status !== PullStatus.NOT_IN_MEMORY) {
      if (!(this.#mayWait(plan, code) && this.#park(plan, from))) this.#answer(plan, code, waitedMs)
      return
    }
    const goesOnAt = plan.filter.accepts === undefined ? from : nextBeginOffset
    if (goesOnAt < plan.queueOffset + MAX_FILTERED_ENTRIES) this.#readAhead(plan, goesOnAt, waitedMs)
    else {
      this.#result.replace(PullStatus.NO_MATCHED_MESSAGE, nextBeginOffset, 0, 0)
      this.#answer(plan, 'PULL_RETRY_IMMEDIATELY', waitedMs)
    }
  }

  /** The event loop never waits for the disk: the store's own threads do, and the pull is served when they are done. */
  #readAhead(now: PullPlan, from: number, waitedMs = 0): void {
    const plan = new PullPlan()
    plan.copy(now)
    const { topicHandle, queueId, filter, connection } = plan
    const { maxTransferBytes } = this.#settings
    const startedAtMs = this.#clock.monotonicMs()
    this.#store
      .readAhead(topicHandle, queueId, from, this.#countOf(plan), filter.tagCodes, maxTransferBytes)
      .then(() => {
        if (!connection.closed) this.#serve(plan, from, waitedMs + this.#clock.monotonicMs() - startedAtMs)
      })
      .catch((error: unknown) => {
        if (!connection.closed) this.#refuse(plan, error)
      })
  }

  #countOf(request: PullRequest): number {
    return Math.max(Math.min(request.maxMessages, this.#settings.maxTransferCount), 1)
  }

  #mayWait(request: PullRequest, code: ResponseCodeName): boolean {
    if (code !== 'PULL_NOT_FOUND' || (request.sysFlag & PullSysFlag.SUSPEND) === 0) return false
    return isWorthWaiting(this.#result.status, code)
  }

  #park(plan: PullPlan, scannedTo: number): boolean {
    const polling = this.#polling
    if (polling === undefined) return false
    const { longPollingEnable, shortPollingTimeMs } = this.#settings
    const timeoutMs = longPollingEnable ? plan.suspendTimeoutMs : shortPollingTimeMs
    return polling.park(plan, scannedTo, Math.min(timeoutMs, MAX_SUSPEND_MS), longPollingEnable)
  }

  #read(plan: PullPlan, queueOffset: number, wait: DiskWait): ResponseCodeName {
    const { readLimits, maxTransferBytes } = this.#settings
    if (readLimits !== this.#limits) this.#store.setReadLimits(readLimits)
    this.#limits = readLimits
    this.#bounds.maxCount = this.#countOf(plan)
    this.#bounds.maxBytes = maxTransferBytes
    this.#reader.read(plan, queueOffset, this.#bounds, wait)
    const { status, count: found, sizeBytes } = this.#result
    this.#effects.messagesGot(status === PullStatus.FOUND ? found : 0, sizeBytes)
    return responseCodeOf(status, queueOffset)
  }

  #answer(plan: PullPlan, found: ResponseCodeName, latencyMs = 0): void {
    const result = this.#result
    const { isSlave = false, checkOffsetInSlave = false } = this.#settings
    // The master's queue may reach further than this copy of it.
    const goesElsewhere = found === 'PULL_OFFSET_MOVED' && isSlave && !checkOffsetInSlave
    const code = goesElsewhere ? 'PULL_RETRY_IMMEDIATELY' : found
    const brokerId = goesElsewhere ? plan.groupConfig.brokerId : this.#suggestedBroker(plan)
    const isFull = code === 'SUCCESS'
    writePullAnswer(plan, code, result, brokerId, isFull ? this.#reader.records : NO_RECORDS)
    if (isFull) this.#effects.groupGot(plan, result.count, result.sizeBytes, latencyMs, result.logBehindBytes)
    if (code === 'PULL_OFFSET_MOVED') {
      const { group, topic, queueId, queueOffset } = plan
      this.#effects.offsetMoved({ group, topic, queueId, asked: queueOffset, corrected: result.nextBeginOffset })
    }
  }

  #suggestedBroker(plan: PullPlan): number {
    if (!this.#settings.slaveReadEnable) return MASTER_ID
    const slow = this.#result.logBehindBytes > this.#settings.memoryWindowBytes
    return slow ? plan.groupConfig.whichBrokerWhenConsumeSlowly : plan.groupConfig.brokerId
  }

  #refuse(request: PullRequest, error: unknown): void {
    const { connection, opaque, serializeType } = request
    const code = error instanceof ResponseError ? error.responseCode : ResponseCode.SYSTEM_ERROR
    connection.send({ code, opaque, flag: FLAG_RESPONSE, remark: errorText(error), serializeType })
  }
}
