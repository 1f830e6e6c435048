import { deepEqual, equal, ok } from 'node:assert/strict'
import type { CollectedMessage } from '../../../support/java-client.ts'
import { byQueue, keysOf, plain } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually, LOCK_PATIENCE, type Member, type SemanticsStage } from './stage.ts'

const QUEUES = 4

/** Sends numbered messages, `count` to each queue, keys QUEUE-NUMBER. */
class Numbers {
  readonly #stage: SemanticsStage
  readonly #topic: string
  #producer: string | undefined
  #next = 0

  constructor(stage: SemanticsStage, topic: string) {
    this.#stage = stage
    this.#topic = topic
  }

  get sent(): number {
    return this.#next * QUEUES
  }

  async send(count: number, properties: (index: number) => Record<string, string> = () => ({})): Promise<void> {
    this.#producer ??= await this.#stage.producer()
    const numbers = Array.from({ length: count }, (_, index) => this.#next + index)
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const messages = numbers.map((number) => plain(`${queueId}-${number}`, properties(number)))
      const queue = { brokerName: 'broker-a', queueId }
      await this.#stage.driver.send(this.#producer, this.#topic, 'queue', messages, queue)
    }
    this.#next += count
  }
}

/** Every number of a queue was accepted, no number began before the one before it had been accepted. */
const assertInOrder = (collected: readonly CollectedMessage[], numbers: number): void => {
  const queues = byQueue(collected)
  equal(queues.size, QUEUES)
  for (const [queueId, deliveries] of queues) {
    const accepted = [...new Set(keysOf(deliveries.filter(({ refused }) => !refused)))]
    deepEqual(
      accepted,
      Array.from({ length: numbers }, (_, number) => `${queueId}-${number}`),
    )
    for (const [index, delivery] of deliveries.slice(1).entries()) {
      ok(delivery.beginStep > deliveries[index]!.endStep, 'one delivery of a queue at a time')
    }
  }
}

const collectedBy = async (members: readonly Member[]): Promise<readonly CollectedMessage[]> =>
  (await Promise.all(members.map((member) => member.collected()))).flat()

export const orderThroughRetries: SemanticsScenario = {
  name: 'a refused message holds up its queue, not the others, until it is accepted',
  needs: ['orderly'],
  async run(stage) {
    const topic = await stage.topic('OrderRetry', QUEUES)
    const numbers = new Numbers(stage, topic)
    const fails = (number: number): Record<string, string> =>
      number % 5 === 2 ? { fail: '2', failBy: number % 2 === 0 ? 'later' : 'null' } : {}
    await numbers.send(10, fails)
    const member = await stage.consumer(topic, { orderly: true, suspendMs: 20 })
    const collected = await member.receives(numbers.sent + QUEUES * 2 * 2)
    assertInOrder(collected, 10)
    const attempts = Array.from({ length: 10 }, (_, number) => (number % 5 === 2 ? [0, 1, 2] : [0])).flat()
    for (const deliveries of byQueue(collected).values()) {
      deepEqual(
        deliveries.map(({ reconsumeTimes }) => reconsumeTimes),
        attempts,
      )
    }
    await member.stop()
  },
}

export const orderThroughRebalance: SemanticsScenario = {
  name: 'order within queues is kept while a second member joins and while it leaves',
  needs: ['orderly'],
  async run(stage) {
    const topic = await stage.topic('OrderRebalance', QUEUES)
    const numbers = new Numbers(stage, topic)
    await numbers.send(20)
    const orderly = { orderly: true, workMs: 2 }
    const first = await stage.consumer(topic, orderly)
    await first.receives(5)
    const second = await stage.consumer(topic, { ...orderly, group: first.group })
    const members = [first, second]
    for (let round = 0; round < 3; round++) await numbers.send(10)
    await stage.balanced(topic, QUEUES, members)
    await numbers.send(10)
    const haveAll = async () => {
      const collected = await collectedBy(members)
      return new Set(keysOf(collected)).size >= numbers.sent && collected
    }
    const acceptedAll = () => eventually(`all of ${numbers.sent} at two members`, haveAll, LOCK_PATIENCE)
    await acceptedAll()
    ok((await second.collected()).length > 0, 'the second member takes part')
    await numbers.send(10)
    await second.stop()
    await numbers.send(10)
    assertInOrder(await acceptedAll(), 80)
    await first.stop()
  },
}

export const orderThroughRestart: SemanticsScenario = {
  name: 'order within queues is kept while the broker is started again',
  needs: ['orderly'],
  async run(stage) {
    const topic = await stage.topic('OrderRestart', QUEUES)
    const numbers = new Numbers(stage, topic)
    await numbers.send(20, (number) => (number % 7 === 3 ? { fail: '1' } : {}))
    const member = await stage.consumer(topic, { orderly: true, suspendMs: 20, workMs: 5 })
    await member.receives(10)
    await stage.brokerRestarts()
    await numbers.send(20)
    const collected = await eventually('all messages', async () => {
      const deliveries = await member.collected()
      return new Set(keysOf(deliveries.filter(({ refused }) => !refused))).size >= numbers.sent && deliveries
    })
    assertInOrder(collected, 40)
    await member.stop()
  },
}
