import type { Clock, TimerHandle } from '../../base/clock.ts'
import { LinkedList, ListLink } from '../../base/linked-list.ts'
import type { Connection } from '../../net/connection.ts'
import type { MessageStore, TopicHandle } from '../../store/message-store.ts'
import { PullPlan } from './pull-plan.ts'

/** A pull that found nothing and waits for a message or for its time to run out. Valid until its wait is over. */
export class ParkedPull extends PullPlan {
  /** Everything below was looked at and did not pass the filter. */
  scannedTo = 0
  /** When its time is up, in ticks. */
  dueTick = 0
  /** False: it waits for its time only, as without long polling. */
  wakesOnArrival = false
  /** Its places in the lists it is found by. */
  readonly inQueue = new ListLink<ParkedPull>(this)
  readonly inTick = new ListLink<ParkedPull>(this)
}

/** How a parked pull ended its wait. */
export type Wake = 'arrival' | 'timeout'

const TICK_MS = 100
const MAX_PARKED = 100_000
/** A client waits once per queue it consumes; one that parks more takes the room of others. */
export const MAX_PARKED_PER_CONNECTION = 4_096
/** Pulls of connections that are gone are looked for this often. */
const SWEEP_TICKS = 50
/** Objects that are kept for pulls to come, besides as many as there are parked. */
const SPARE_AT_LEAST = 256
/** What spare objects stand for, so that they lead to no connection. */
const NO_PULL = new PullPlan()

type Waits = LinkedList<ParkedPull>

/**
 * Holds pulls until their queue grows or their time is up. Costs nothing while nothing arrives: the engine is asked for
 * one notice per queue, and deadlines stand in buckets of 100 ms. Its objects are used again and again: of garbage made
 * with each message the collector's pauses would be what a message waits for.
 */
export class LongPolling {
  readonly #store: Pick<MessageStore, 'watch' | 'setHurry' | 'onArrival'>
  readonly #clock: Clock
  readonly #wake: (parked: ParkedPull, why: Wake) => void
  /** By topic, then by queue id. Empty ones go with the next sweep: pulls come back to their queues. */
  readonly #byQueue = new Map<TopicHandle, Map<number, Waits>>()
  readonly #byDeadline = new Map<number, Waits>()
  /** As of empty queues, of connections that have none. */
  readonly #countOf = new Map<Connection, number>()
  /** Objects of pulls whose wait is over, in their `inTick` places. */
  readonly #spare: Waits = new LinkedList()
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

  /**
   * Parks a pull for `timeoutMs`; false when there is no room or that is no time, and the caller answers at once.
   * @param plan copied
   */
  park(plan: PullPlan, scannedTo: number, timeoutMs: number, wakesOnArrival: boolean): boolean {
    const dueTick = tickOf(this.#clock.monotonicMs() + timeoutMs)
    if (!this.#hasRoom(plan.connection, dueTick)) return false
    const parked = this.#spare.first ?? new ParkedPull()
    this.#spare.remove(parked.inTick)
    parked.copy(plan)
    parked.scannedTo = scannedTo
    parked.dueTick = dueTick
    parked.wakesOnArrival = wakesOnArrival
    this.#hold(parked)
    return true
  }

  /** Parks a pull that is being woken for what is left of its time; false as with `park`. */
  parkAgain(parked: ParkedPull): boolean {
    if (!this.#hasRoom(parked.connection, parked.dueTick)) return false
    this.#hold(parked)
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

  #hasRoom(connection: Connection, dueTick: number): boolean {
    const ofConnection = this.#countOf.get(connection) ?? 0
    return this.#count < MAX_PARKED && ofConnection < MAX_PARKED_PER_CONNECTION && dueTick > this.#lastTick
  }

  #hold(parked: ParkedPull): void {
    const { connection, topicHandle, queueId } = parked
    this.#count += 1
    this.#countOf.set(connection, (this.#countOf.get(connection) ?? 0) + 1)
    this.#dueAt(parked.dueTick).push(parked.inTick)
    if (!parked.wakesOnArrival) return
    if (!this.#isHurried) this.#hurry(true)
    this.#store.watch(topicHandle, queueId, parked.scannedTo)
    this.#waitingIn(topicHandle, queueId).push(parked.inQueue)
  }

  #dueAt(tick: number): Waits {
    let list = this.#byDeadline.get(tick)
    if (list === undefined) {
      list = new LinkedList()
      this.#byDeadline.set(tick, list)
    }
    return list
  }

  #waitingIn(topic: TopicHandle, queueId: number): Waits {
    let queues = this.#byQueue.get(topic)
    if (queues === undefined) {
      queues = new Map()
      this.#byQueue.set(topic, queues)
    }
    let list = queues.get(queueId)
    if (list === undefined) {
      list = new LinkedList()
      queues.set(queueId, list)
    }
    return list
  }

  #arrived(topic: TopicHandle, queueId: number): void {
    const waiting = this.#byQueue.get(topic)?.get(queueId)
    if (waiting !== undefined) this.#wakeAll(waiting, 'arrival')
  }

  /** Those that are in the list now, not those that park again. */
  #wakeAll(waiting: Waits, why: Wake): void {
    for (let left = waiting.size; left > 0; left--) {
      const parked = waiting.first
      if (parked === undefined) return
      this.#forget(parked)
      this.#wake(parked, why)
      this.#release(parked)
    }
  }

  #expire(): void {
    const now = Math.floor(this.#clock.monotonicMs() / TICK_MS)
    for (let tick = this.#lastTick + 1; tick <= now; tick++) {
      this.#lastTick = tick
      const due = this.#byDeadline.get(tick)
      if (due === undefined) continue
      this.#byDeadline.delete(tick)
      this.#wakeAll(due, 'timeout')
    }
    if (now >= this.#sweepTick) {
      this.#sweepTick = now + SWEEP_TICKS
      this.#sweep()
    }
  }

  /** Clients choose how long they wait: without this the pulls of those that left could fill the table for ever. */
  #sweep(): void {
    // Tables visit without an object for each entry.
    this.#byDeadline.forEach((waiting, tick) => {
      waiting.forEach((parked) => {
        if (parked.connection.closed) this.#forget(parked)
      })
      if (waiting.isEmpty) this.#byDeadline.delete(tick)
    })
    this.#byQueue.forEach((queues, topic) => {
      queues.forEach((waiting, queueId) => {
        if (waiting.isEmpty) queues.delete(queueId)
      })
      if (queues.size === 0) this.#byQueue.delete(topic)
    })
    this.#countOf.forEach((count, connection) => {
      if (count === 0) this.#countOf.delete(connection)
    })
    const spare = this.#count + SPARE_AT_LEAST
    while (this.#spare.size > spare) this.#spare.remove(this.#spare.first!.inTick)
    // Not with each last pull: its client is about to come back.
    if (this.#isHurried && this.#count === 0) this.#hurry(false)
  }

  #hurry(hurry: boolean): void {
    this.#isHurried = hurry
    this.#store.setHurry(hurry)
  }

  #forget(parked: ParkedPull): void {
    const { inQueue, inTick, connection } = parked
    inQueue.list?.remove(inQueue)
    inTick.list?.remove(inTick)
    this.#count -= 1
    this.#countOf.set(connection, (this.#countOf.get(connection) ?? 1) - 1)
  }

  /** Keeps the object for another pull, unless its pull was parked again. */
  #release(parked: ParkedPull): void {
    if (parked.inTick.list !== undefined) return
    parked.copy(NO_PULL)
    this.#spare.push(parked.inTick)
  }
}

/** The first tick at which a deadline has passed. */
const tickOf = (atMs: number): number => Math.ceil(atMs / TICK_MS)
