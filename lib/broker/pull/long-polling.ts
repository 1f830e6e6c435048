import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Connection } from '../../net/connection.ts'
import type { MessageStore, TopicHandle } from '../../store/message-store.ts'
import type { PullPlan } from './pull-check.ts'

/** A pull that found nothing and waits for a message or for its time to run out. */
export interface ParkedPull {
  readonly plan: PullPlan
  /** Everything below was looked at and did not pass the filter. */
  scannedTo: number
  readonly deadlineMs: number
  /** False: it waits for its time only, as without long polling. */
  readonly wakesOnArrival: boolean
}

/** How a parked pull ended its wait. */
export type Wake = 'arrival' | 'timeout'

const TICK_MS = 100
const MAX_PARKED = 100_000
/** A client waits once per queue it consumes; one that parks more takes the room of others. */
export const MAX_PARKED_PER_CONNECTION = 4_096
/** Pulls of connections that are gone are looked for this often. */
const SWEEP_TICKS = 50

/**
 * Holds pulls until their queue grows or their time is up. Costs nothing while nothing arrives: the engine is asked for
 * one notice per queue, and deadlines stand in buckets of 100 ms.
 */
export class LongPolling {
  readonly #store: Pick<MessageStore, 'watch' | 'onArrival'>
  readonly #clock: Clock
  readonly #wake: (parked: ParkedPull, why: Wake) => void
  readonly #byQueue = new Map<string, Set<ParkedPull>>()
  readonly #byDeadline = new Map<number, Set<ParkedPull>>()
  readonly #countOf = new Map<Connection, number>()
  readonly #timer: TimerHandle
  #lastTick: number
  #sweepTick: number
  #count = 0

  /** @param wake called when a parked pull's wait is over; it may park the pull again */
  constructor(
    store: Pick<MessageStore, 'watch' | 'onArrival'>,
    clock: Clock,
    wake: (parked: ParkedPull, why: Wake) => void,
  ) {
    this.#store = store
    this.#clock = clock
    this.#wake = wake
    this.#lastTick = Math.floor(clock.monotonicMs() / TICK_MS)
    this.#sweepTick = this.#lastTick + SWEEP_TICKS
    this.#timer = clock.every(TICK_MS, () => this.#expire())
    store.onArrival((topic, queueId) => this.#arrived(topic, queueId))
  }

  /** Pulls waiting now. */
  get count(): number {
    return this.#count
  }

  /** When a pull parked now for `timeoutMs` has to be answered. */
  deadline(timeoutMs: number): number {
    return this.#clock.monotonicMs() + timeoutMs
  }

  /** Parks a pull; false when there is no room or its time is up already, and the caller answers at once. */
  park(parked: ParkedPull): boolean {
    const tick = tickOf(parked.deadlineMs)
    const { plan } = parked
    const { connection } = plan.request.to
    const ofConnection = this.#countOf.get(connection) ?? 0
    const full = this.#count >= MAX_PARKED || ofConnection >= MAX_PARKED_PER_CONNECTION
    if (full || tick <= this.#lastTick) return false
    this.#count += 1
    this.#countOf.set(connection, ofConnection + 1)
    addTo(this.#byDeadline, tick, parked)
    if (!parked.wakesOnArrival) return true
    this.#store.watch(plan.topic, plan.request.queueId, parked.scannedTo)
    addTo(this.#byQueue, queueKey(plan.topic, plan.request.queueId), parked)
    return true
  }

  /** Answers nothing more. */
  stop(): void {
    this.#timer.cancel()
    this.#byQueue.clear()
    this.#byDeadline.clear()
    this.#countOf.clear()
    this.#count = 0
  }

  #arrived(topic: TopicHandle, queueId: number): void {
    const key = queueKey(topic, queueId)
    const waiting = this.#byQueue.get(key)
    if (waiting === undefined) return
    this.#byQueue.delete(key)
    for (const parked of waiting) {
      this.#forgetDeadline(parked)
      this.#wake(parked, 'arrival')
    }
  }

  #expire(): void {
    const now = Math.floor(this.#clock.monotonicMs() / TICK_MS)
    for (let tick = this.#lastTick + 1; tick <= now; tick++) {
      this.#lastTick = tick
      const due = this.#byDeadline.get(tick)
      if (due === undefined) continue
      this.#byDeadline.delete(tick)
      for (const parked of due) {
        this.#forgetQueue(parked)
        this.#uncount(parked)
        this.#wake(parked, 'timeout')
      }
    }
    if (now >= this.#sweepTick) {
      this.#sweepTick = now + SWEEP_TICKS
      this.#dropClosed()
    }
  }

  /** Clients choose how long they wait: without this the pulls of those that left could fill the table for ever. */
  #dropClosed(): void {
    for (const waiting of this.#byQueue.values()) {
      for (const parked of waiting) {
        if (!parked.plan.request.to.connection.closed) continue
        this.#forgetQueue(parked)
        this.#forgetDeadline(parked)
      }
    }
  }

  #forgetDeadline(parked: ParkedPull): void {
    this.#uncount(parked)
    removeFrom(this.#byDeadline, tickOf(parked.deadlineMs), parked)
  }

  #uncount({ plan }: ParkedPull): void {
    const { connection } = plan.request.to
    this.#count -= 1
    const left = (this.#countOf.get(connection) ?? 0) - 1
    if (left > 0) this.#countOf.set(connection, left)
    else this.#countOf.delete(connection)
  }

  #forgetQueue(parked: ParkedPull): void {
    removeFrom(this.#byQueue, queueKey(parked.plan.topic, parked.plan.request.queueId), parked)
  }
}

/** The first tick at which a deadline has passed. */
const tickOf = (atMs: number): number => Math.ceil(atMs / TICK_MS)

const queueKey = (topic: TopicHandle, queueId: number): string => `${topic}:${queueId}`

const addTo = <K>(table: Map<K, Set<ParkedPull>>, key: K, parked: ParkedPull): void => {
  const found = table.get(key)
  if (found === undefined) table.set(key, new Set([parked]))
  else found.add(parked)
}

const removeFrom = <K>(table: Map<K, Set<ParkedPull>>, key: K, parked: ParkedPull): void => {
  const found = table.get(key)
  found?.delete(parked)
  if (found?.size === 0) table.delete(key)
}
