import type { Clock } from '../../base/clock.ts'
import { ResponseError } from '../../net/handler.ts'

/** Sends of one topic that wait for the flush mode's promise. */
export interface TopicLoad {
  waiting: number
}

/** What admission goes by. */
export interface AdmissionSettings {
  /** Sends that may wait at once (`sendThreadPoolQueueCapacity`). */
  readonly capacity: () => number
  /** An append that takes longer makes the broker busy (`osPageCacheBusyTimeOutMills`), in milliseconds. */
  readonly busyAfterMs: () => number
  /** Bytes of the log that may wait for the device (`flushBacklogMaxBytes`); 0: any number. */
  readonly maxBacklogBytes: () => number
}

/** Sends that began to wait together. */
export interface HeldSends {
  readonly sinceMs: number
  /** Each send's topic; empty when they wait no longer. */
  topics: readonly TopicLoad[]
}

/** How much of the capacity may be used before topics are held to their shares. */
const FAIR_FROM_SHARE = 0.5
/** While appends are slow, one send in this time finds out whether they still are. */
const PROBE_MS = 100

/** What operators see of admission. */
export interface AdmissionState {
  /** Sends that wait now. */
  readonly waiting: number
  /** How long the oldest of them has waited, in milliseconds. */
  readonly oldestWaitMs: number
  /** How long the last append took, while appends are slow; else 0. In milliseconds. */
  readonly slowAppendMs: number
}

/**
 * Refuses sends that would only add to what already waits. Above half of the capacity a topic may have its share of
 * it, all waiting topics alike, so that the burst of one does not stop another: a topic that has little waiting is
 * served whatever others do. Sends of one received chunk are counted together, when they are appended. With appends
 * that take too long, as when the page cache stalls, one send at a time is let through to try; the first quick one ends
 * the refusals. While more of the log waits for the device than may, nothing is taken: nobody waits for that under async
 * flush, but it is what a power loss would take.
 */
export class SendAdmission {
  readonly #clock: Clock
  readonly #settings: AdmissionSettings
  readonly #backlogBytes: () => number
  readonly #groups: HeldSends[] = []
  #waiting = 0
  #waitingTopics = 0
  #slowAppendMs = 0
  #nextProbeMs = 0
  #isBacklogged = false

  /** @param backlogBytes bytes of the log that are not on the device yet */
  constructor(clock: Clock, settings: AdmissionSettings, backlogBytes: () => number) {
    this.#clock = clock
    this.#settings = settings
    this.#backlogBytes = backlogBytes
  }

  get state(): AdmissionState {
    const oldest = this.#groups[0]
    const oldestWaitMs = oldest === undefined ? 0 : Math.floor(this.#clock.monotonicMs() - oldest.sinceMs)
    return { waiting: this.#waiting, oldestWaitMs, slowAppendMs: this.#slowAppendMs }
  }

  /**
   * Nothing when the topic's next send may be taken.
   * @throws {ResponseError} SYSTEM_BUSY in Java's words, with the cause behind them
   */
  check(topic: TopicLoad): void {
    if (this.#slowAppendMs > 0) this.#probe()
    if (this.#isBacklogged) this.#refuseBacklog()
    const capacity = this.#settings.capacity()
    if (this.#waiting < capacity * FAIR_FROM_SHARE) return
    const topics = this.#waitingTopics + (topic.waiting === 0 ? 1 : 0)
    const share = Math.max(1, Math.floor(capacity / topics))
    if (topic.waiting < share) return
    const cause = `SEND_BACKLOG: ${this.#waiting} sends wait for the device, ${topic.waiting} of them of this topic, whose share of ${capacity} is ${share}`
    throw overloaded(cause)
  }

  /** Sends that wait from now on. Give what it returns to `released`. */
  held(topics: readonly TopicLoad[]): HeldSends {
    for (const topic of topics) {
      if (topic.waiting === 0) this.#waitingTopics += 1
      topic.waiting += 1
    }
    this.#waiting += topics.length
    const group = { sinceMs: this.#clock.monotonicMs(), topics }
    this.#groups.push(group)
    return group
  }

  /** They wait no longer. */
  released(group: HeldSends): void {
    for (const topic of group.topics) {
      topic.waiting -= 1
      if (topic.waiting === 0) this.#waitingTopics -= 1
    }
    this.#waiting -= group.topics.length
    group.topics = []
    while (this.#groups[0]?.topics.length === 0) this.#groups.shift()
  }

  /** An append of one or more sends took so long. */
  appended(durationMs: number): void {
    this.#isBacklogged = this.#hasBacklog()
    const slow = durationMs > this.#settings.busyAfterMs()
    if (!slow && this.#slowAppendMs === 0) return
    this.#slowAppendMs = slow ? Math.floor(durationMs) : 0
    this.#nextProbeMs = this.#clock.monotonicMs()
  }

  /** Looked up for each send while there is one. */
  #refuseBacklog(): void {
    this.#isBacklogged = this.#hasBacklog()
    if (!this.#isBacklogged) return
    throw overloaded(
      `FLUSH_BACKLOG: ${this.#backlogBytes()} bytes wait for the device, more than ${this.#settings.maxBacklogBytes()}`,
    )
  }

  #hasBacklog(): boolean {
    const maxBytes = this.#settings.maxBacklogBytes()
    return maxBytes > 0 && this.#backlogBytes() > maxBytes
  }

  #probe(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs >= this.#nextProbeMs) {
      this.#nextProbeMs = nowMs + PROBE_MS
      return
    }
    const cause = `Cause: APPEND_SLOW: the last append took ${this.#slowAppendMs} ms`
    throw new ResponseError('SYSTEM_BUSY', `[REJECTREQUEST]system busy, start flow control for a while. ${cause}`)
  }
}

const overloaded = (cause: string): ResponseError =>
  new ResponseError('SYSTEM_BUSY', `[OVERLOAD]system busy, start flow control for a while. Cause: ${cause}`)
