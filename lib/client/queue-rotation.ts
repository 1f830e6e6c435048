import type { MessageQueue } from './message.ts'

/** Chooses queues in turn, for each topic from a random start. */
export class QueueRotation {
  readonly #random: () => number
  readonly #turns = new Map<string, number>()

  /** @param random in [0, 1) */
  constructor(random: () => number) {
    this.#random = random
  }

  /**
   * The next queue of a topic, on another broker than `avoidBroker` where there is one.
   * @param queues at least one
   */
  next(topic: string, queues: readonly MessageQueue[], avoidBroker: string | undefined): MessageQueue {
    const start = this.#turns.get(topic) ?? Math.floor(this.#random() * queues.length)
    let steps = 0
    while (steps < queues.length && queues[(start + steps) % queues.length]!.brokerName === avoidBroker) steps += 1
    const chosen = start + (steps % queues.length)
    this.#turns.set(topic, (chosen + 1) % queues.length)
    return queues[chosen % queues.length]!
  }
}
