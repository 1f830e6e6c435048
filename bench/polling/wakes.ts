import { waitFor } from '../../test/support/wait-for.ts'
import { type PollConnection, pullTemplate, sendTemplate } from './poll-connection.ts'

const PULL_FOUND = 0
const GROUP = 'polling'
const BODY = Buffer.alloc(128, 'x')
/** Longer than anything is measured. */
const SUSPEND_MS = 300_000
/** Between two looks at what is to be sent: a sender that never sleeps would take a core of two. */
const TICK_MS = 1
const FIRST_MESSAGES_MS = 60_000
const NOTHING_SENT = -1

export interface WakeOrder {
  readonly topic: string
  readonly queues: number
  /** The last so many have a pull that is held. */
  readonly woken: number
  /** Messages per second, over all queues in turn. */
  readonly rate: number
}

/** Holds one pull in each of the last queues, sends messages, and times their answers. */
export class WakeTimer {
  readonly #order: WakeOrder
  readonly #sender: PollConnection
  readonly #connections: readonly PollConnection[]
  readonly #sentUs: Float64Array
  readonly #message
  /** Of the round under way; made before it, so that it leaves no garbage. */
  #latenciesUs: Float64Array | undefined
  #timed = 0
  readonly #queueIds: number[] = []
  #answers = 0
  #next = 0
  #isOver = false

  constructor(order: WakeOrder, sender: PollConnection, connections: readonly PollConnection[]) {
    this.#order = order
    this.#sender = sender
    this.#connections = connections
    this.#sentUs = new Float64Array(order.queues).fill(NOTHING_SENT)
    this.#message = sendTemplate(order.topic, BODY)
  }

  /** Holds the pulls, and sends the first message of each queue: that makes files, which is not what is measured. */
  async begin(): Promise<void> {
    const { queues, woken } = this.#order
    for (let queueId = queues - woken; queueId < queues; queueId++) this.#hold(queueId)
    this.#sender.send(this.#message, [...Array(queues).keys()])
    await waitFor('the first message of each queue', () => this.#answers >= woken, { timeoutMs: FIRST_MESSAGES_MS })
  }

  /** Sends for so long; microseconds from the send of a message to its answer, both by this process's clock. */
  async round(ms: number): Promise<Float64Array> {
    const latenciesUs = new Float64Array(Math.ceil((ms * this.#order.rate) / 1000) + 1)
    this.#latenciesUs = latenciesUs
    this.#timed = 0
    await this.#sendFor(ms)
    await waitFor('all answers', () => this.#sentUs.every((time) => time === NOTHING_SENT))
    this.#latenciesUs = undefined
    return latenciesUs.subarray(0, this.#timed)
  }

  end(): void {
    this.#isOver = true
  }

  #sendFor(ms: number): Promise<void> {
    const startMs = performance.now()
    const first = this.#next
    return new Promise((resolve) => {
      const tick = (): void => {
        const sinceMs = performance.now() - startMs
        this.#sendUpTo(first + Math.floor((Math.min(sinceMs, ms) * this.#order.rate) / 1000))
        if (sinceMs < ms) setTimeout(tick, TICK_MS)
        else resolve()
      }
      tick()
    })
  }

  #sendUpTo(due: number): void {
    const { queues, woken } = this.#order
    const queueIds = this.#queueIds
    queueIds.length = 0
    for (; this.#next < due; this.#next++) {
      const queueId = this.#next % queues
      // The one before is still on its way: only the first of them is timed.
      const isTimed = queueId >= queues - woken && this.#sentUs[queueId] === NOTHING_SENT
      if (isTimed) this.#sentUs[queueId] = performance.now() * 1000
      queueIds.push(queueId)
    }
    this.#sender.send(this.#message, queueIds)
  }

  #hold(queueId: number): void {
    const connection = this.#connections[queueId % this.#connections.length]!
    const template = pullTemplate({ group: GROUP, topic: this.#order.topic, queueId, suspendMs: SUSPEND_MS })
    const pullFrom = (queueOffset: number): void => {
      connection.pull(template, queueOffset, (code, nextOffset) => {
        if (code === PULL_FOUND) this.#answered(queueId)
        if (!this.#isOver) pullFrom(nextOffset)
      })
    }
    pullFrom(0)
  }

  #answered(queueId: number): void {
    this.#answers += 1
    const sentUs = this.#sentUs[queueId]!
    if (sentUs !== NOTHING_SENT && this.#latenciesUs !== undefined) {
      this.#latenciesUs[this.#timed++] = performance.now() * 1000 - sentUs
    }
    this.#sentUs[queueId] = NOTHING_SENT
  }
}
