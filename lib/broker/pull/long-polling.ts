import type { Clock, TimerHandle } from '../../base/clock.ts'
import { LinkedList, ListLink } from '../../base/linked-list.ts'
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

/** A parked pull in the lists it is found by. */
class Wait {
  readonly parked: ParkedPull
  readonly inQueue = new ListLink<Wait>(this)
  readonly inTick = new ListLink<Wait>(this)

  constructor(parked: ParkedPull) {
    this.parked = parked
  }
}

type Waits = LinkedList<Wait>

/**
 * Holds pulls until their queue grows or their time is up. Costs nothing while nothing arrives: the engine is asked for
 * one notice per queue, and deadlines stand in buckets of 100 ms.
 */
export class LongPolling {
  readonly #store: Pick<MessageStore, 'watch' | 'setHurry' | 'onArrival'>
  readonly #clock: Clock
  readonly #wake: (parked: ParkedPull, why: Wake) => void
  /** Empty ones go with the next sweep: pulls come back to their queues. */
  readonly #byQueue = new Map<number, Waits>()
  readonly #byDeadline = new Map<number, Waits>()
  /** As of empty queues, of connections that have none. */
  readonly #countOf = new Map<Connection, number>()
  readonly #timer: TimerHandle
  #lastTick: number
  #sweepTick: number
  #count = 0
  #isHurried = false

  /** @param wake called when a parked pull's wait is over; it may park the pull again */
  constructor(
    store: Pick<MessageStore, 'watch' | 'setHurry' | 'onArrival'>,
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
    const wait = new Wait(parked)
    listOf(this.#byDeadline, tick).push(wait.inTick)
    if (!parked.wakesOnArrival) return true
    if (!this.#isHurried) this.#hurry(true)
    this.#store.watch(plan.topic, plan.request.queueId, parked.scannedTo)
    listOf(this.#byQueue, queueKey(plan.topic, plan.request.queueId)).push(wait.inQueue)
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
    if (waiting === undefined || waiting.isEmpty) return
    for (const wait of waiting.toArray()) {
      this.#forget(wait)
      this.#wake(wait.parked, 'arrival')
    }
  }

  #expire(): void {
    const now = Math.floor(this.#clock.monotonicMs() / TICK_MS)
    for (let tick = this.#lastTick + 1; tick <= now; tick++) {
      this.#lastTick = tick
      const due = this.#byDeadline.get(tick)
      if (due === undefined) continue
      this.#byDeadline.delete(tick)
      for (const wait of due.toArray()) {
        this.#forget(wait)
        this.#wake(wait.parked, 'timeout')
      }
    }
    if (now >= this.#sweepTick) {
      this.#sweepTick = now + SWEEP_TICKS
      this.#sweep()
    }
  }

  /** Clients choose how long they wait: without this the pulls of those that left could fill the table for ever. */
  #sweep(): void {
    for (const [tick, waiting] of this.#byDeadline) {
      for (const wait of waiting.toArray()) {
        if (wait.parked.plan.request.to.connection.closed) this.#forget(wait)
      }
      if (waiting.isEmpty) this.#byDeadline.delete(tick)
    }
    for (const [key, waiting] of this.#byQueue) if (waiting.isEmpty) this.#byQueue.delete(key)
    for (const [connection, count] of this.#countOf) if (count === 0) this.#countOf.delete(connection)
    // Not with each last pull: its client is about to come back.
    if (this.#isHurried && this.#count === 0) this.#hurry(false)
  }

  #hurry(hurry: boolean): void {
    this.#isHurried = hurry
    this.#store.setHurry(hurry)
  }

  #forget(wait: Wait): void {
    const { inQueue, inTick, parked } = wait
    const { connection } = parked.plan.request.to
    inQueue.list?.remove(inQueue)
    inTick.list?.remove(inTick)
    this.#count -= 1
    this.#countOf.set(connection, (this.#countOf.get(connection) ?? 1) - 1)
  }
}

/** The first tick at which a deadline has passed. */
const tickOf = (atMs: number): number => Math.ceil(atMs / TICK_MS)

/** Queue ids have 31 bits, handles count topics. */
const queueKey = (topic: TopicHandle, queueId: number): number => topic * 2 ** 31 + queueId

const listOf = (table: Map<number, Waits>, key: number): Waits => {
  let list = table.get(key)
  if (list === undefined) {
    list = new LinkedList()
    table.set(key, list)
  }
  return list
}
