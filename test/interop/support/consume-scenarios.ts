import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ReceivedMessage } from '../../support/java-client.ts'
import { withRawClient } from '../../support/raw-client.ts'
import { createTopic } from '../../support/raw-topics.ts'
import { waitFor } from '../../support/wait-for.ts'
import { assertEachOnce, assertSame, makeMessages } from './messages.ts'
import type { Scenario, Stage } from './scenario.ts'

const QUEUES = 8
const QUERY_CONSUMER_OFFSET = 14
const GET_MAX_OFFSET = 30

/** A consumer group of push consumers that share one topic. */
class Group {
  readonly #stage: Stage
  readonly #topic: string
  readonly #group: string
  readonly members: string[] = []

  constructor(stage: Stage, topic: string) {
    this.#stage = stage
    this.#topic = topic
    this.#group = stage.name('group')
  }

  async join(expression = '*'): Promise<string> {
    const name = this.#stage.name('member')
    const { namesrvAddress } = this.#stage.pair
    await this.#stage.driver.startPushConsumer({
      name,
      group: this.#group,
      namesrvAddress,
      topic: this.#topic,
      expression,
    })
    this.members.push(name)
    return name
  }

  async leave(member: string): Promise<void> {
    await this.#stage.driver.stopPushConsumer(member)
    this.members.splice(this.members.indexOf(member), 1)
  }

  /** Waits until the members share all queues, each one reading the same number and none read by two. */
  balanced(): Promise<unknown> {
    return waitFor(`a balance of ${this.members.length} members`, async () => {
      const shares = await Promise.all(this.members.map((member) => this.#stage.driver.assigned(member, this.#topic)))
      const queueIds = new Set(shares.flat().map((queue) => queue.queueId))
      const fair = shares.every((share) => share.length === QUEUES / this.members.length)
      return fair && queueIds.size === QUEUES
    })
  }

  async received(): Promise<readonly ReceivedMessage[]> {
    const lists = await Promise.all(this.members.map((member) => this.#stage.driver.collected(member)))
    return lists.flat()
  }

  /** Waits until at least `count` messages arrived at the present members, and gives all of them. */
  async receives(count: number): Promise<readonly ReceivedMessage[]> {
    await waitFor(`${count} messages at ${this.members.length} members`, async () => {
      const counts = await Promise.all(this.members.map((member) => this.#stage.driver.collectedCount(member)))
      return counts.reduce((sum, each) => sum + each, 0) >= count
    })
    return this.received()
  }

  /** Waits until the broker holds the group's offset at the end of every queue. Asks without joining the group. */
  committed(): Promise<void> {
    return withRawClient(this.#stage.pair.brokerAddress, async (client) => {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        const queue = { topic: this.#topic, queueId: String(queueId) }
        const maxOffset = (await client.call({ code: GET_MAX_OFFSET, extFields: queue })).extFields.offset
        if (maxOffset === '0') continue
        const extFields = { ...queue, consumerGroup: this.#group }
        await waitFor(`offset ${maxOffset} of queue ${queueId}`, async () => {
          await Promise.all(this.members.map((member) => this.#stage.driver.persistOffsets(member)))
          const answer = await client.request({ code: QUERY_CONSUMER_OFFSET, extFields })
          return answer.extFields.offset === maxOffset
        })
      }
    })
  }
}

const after = (received: readonly ReceivedMessage[], earlier: readonly ReceivedMessage[]) => {
  const ids = new Set(earlier.map((message) => message.offsetMsgId))
  return received.filter((message) => !ids.has(message.offsetMsgId))
}

export const pushConsume: Scenario = {
  name: 'a push consumer receives every message once, those sent before and after it started',
  async run(stage) {
    const topic = stage.name('Push')
    await createTopic(stage.pair, topic, QUEUES)
    const producer = await stage.producer()
    const before = makeMessages(`${topic}-before`, 40)
    await stage.driver.send(producer, topic, 'async', before)
    const group = new Group(stage, topic)
    await group.join()
    await group.receives(before.length)
    const later = makeMessages(`${topic}-later`, 40)
    await stage.driver.send(producer, topic, 'sync', later)
    assertEachOnce([...before, ...later], await group.receives(before.length + later.length))
    await group.committed()
    await group.leave(group.members[0]!)
  },
}

export const rebalance: Scenario = {
  name: 'two members share the queues when the second joins, and the one that stays takes all when it leaves',
  async run(stage) {
    const topic = stage.name('Rebalance')
    await createTopic(stage.pair, topic, QUEUES)
    const producer = await stage.producer()
    const send = async (part: string) => {
      const messages = makeMessages(`${topic}-${part}`, 80)
      await stage.driver.send(producer, topic, 'async', messages)
      return messages
    }
    const group = new Group(stage, topic)
    const stays = await group.join()
    await group.balanced()
    const alone = await send('alone')
    const atFirst = await group.receives(alone.length)
    assertEachOnce(alone, atFirst)
    await group.committed()

    const leaves = await group.join()
    await group.balanced()
    const together = await send('together')
    const byBoth = await group.receives(alone.length + together.length)
    assertEachOnce(together, after(byBoth, atFirst))
    ok((await stage.driver.collectedCount(leaves)) > 0, 'the second member takes part')
    await group.committed()

    await group.leave(leaves)
    await group.balanced()
    const before = await stage.driver.collected(stays)
    const aloneAgain = await send('alone-again')
    const atLast = await group.receives(before.length + aloneAgain.length)
    assertEachOnce(aloneAgain, after(atLast, before))
    equal(atLast.length, before.length + aloneAgain.length, 'nothing arrives twice')
    await group.leave(stays)
  },
}

export const tagExpression: Scenario = {
  name: 'the expression "TagA || TagB" selects those tags for push and for pull',
  async run(stage) {
    const topic = stage.name('Tags')
    await createTopic(stage.pair, topic, QUEUES)
    // "Aa" and "BB" have the same hash code in Java: the broker passes both, the client must drop one.
    const sent = makeMessages(topic, 100, ['TagA', 'TagB', 'TagC', 'Aa', 'BB'])
    await stage.driver.send(await stage.producer(), topic, 'async', sent)
    const wanted = (...tags: string[]) => sent.filter((message) => tags.includes(message.tags ?? ''))
    const group = new Group(stage, topic)
    const member = await group.join('TagA || TagB')
    assertEachOnce(wanted('TagA', 'TagB'), await group.receives(40))
    const puller = await stage.pullConsumer()
    assertEachOnce(wanted('TagA', 'TagB'), await stage.read(puller, topic, 40, 'TagA || TagB'))
    assertEachOnce(wanted('Aa'), await stage.read(puller, topic, 20, 'Aa'))
    assertEachOnce([], await stage.read(puller, topic, 0, 'NoSuchTag'))
    equal(await stage.driver.collectedCount(member), 40)
    await group.leave(member)
  },
}

export const pullByQueue: Scenario = {
  name: 'pull by queue: offsets, bounds, time search, offsets out of range and committed offsets',
  async run(stage) {
    const topic = stage.name('Pull')
    await createTopic(stage.pair, topic, 2)
    const startedMs = Date.now()
    const producer = await stage.producer()
    const sent = makeMessages(topic, 40)
    const queue = { topic, brokerName: 'broker-a', queueId: 1 }
    await stage.driver.send(producer, topic, 'queue', sent, queue)
    const consumer = await stage.pullConsumer()
    deepEqual(await stage.queues(consumer, topic), [{ ...queue, queueId: 0 }, queue])

    const endOf = async () => (await stage.driver.queueBounds(consumer, queue, startedMs)).maxOffset
    await waitFor('all messages in the queue', async () => (await endOf()) === 40)

    const first = await stage.driver.pull(consumer, queue, 0)
    deepEqual([first.status, first.nextBeginOffset, first.messages?.length], ['FOUND', 32, 32])
    const rest = await stage.driver.pull(consumer, queue, first.nextBeginOffset)
    deepEqual([rest.status, rest.nextBeginOffset, rest.minOffset, rest.maxOffset], ['FOUND', 40, 0, 40])
    const received = [...first.messages!, ...rest.messages!]
    for (const [index, message] of received.entries()) {
      equal(message.queueOffset, index)
      assertSame(sent[index]!, message)
    }
    const end = await stage.driver.pull(consumer, queue, 40)
    deepEqual([end.status, end.nextBeginOffset], ['NO_NEW_MSG', 40])
    const beyond = await stage.driver.pull(consumer, queue, 1000)
    deepEqual([beyond.status, beyond.nextBeginOffset], ['OFFSET_ILLEGAL', 40])

    const bounds = await stage.driver.queueBounds(consumer, queue, startedMs - 1000)
    deepEqual([bounds.minOffset, bounds.maxOffset, bounds.offsetAtTimestamp], [0, 40, 0])
    equal(bounds.earliestStoreTimestampMs, received[0]!.storeTimestampMs)
    const middle = received[20]!.storeTimestampMs
    const { offsetAtTimestamp } = await stage.driver.queueBounds(consumer, queue, middle)
    equal(received[offsetAtTimestamp!]?.storeTimestampMs, middle)

    // A group without an offset may start at 0 while the first message of the queue is still in memory.
    equal(await stage.driver.committed(consumer, queue), 0)
    await stage.driver.commit(consumer, queue, 17)
    await waitFor('the committed offset', async () => (await stage.driver.committed(consumer, queue)) === 17)
  },
}

export const longPolling: Scenario = {
  name: 'a pull that finds nothing is held and answered when a message comes',
  async run(stage) {
    const topic = stage.name('LongPoll')
    await createTopic(stage.pair, topic, 1)
    const queue = { topic, brokerName: 'broker-a', queueId: 0 }
    const producer = await stage.producer()
    const consumer = await stage.pullConsumer()
    const [first, second] = makeMessages(topic, 2)
    await stage.driver.send(producer, topic, 'sync', [first!])
    // Offset 1 is beyond the queue, and answered at once, until the first message stands in it.
    await stage.read(consumer, topic, 1)
    let answered = false
    const held = stage.driver.pull(consumer, queue, 1, '*', true).finally(() => {
      answered = true
    })
    await stage.read(consumer, topic, 1)
    equal(answered, false, 'the pull is still held')
    await stage.driver.send(producer, topic, 'sync', [second!])
    const answer = await held
    equal(answer.status, 'FOUND')
    assertEachOnce([second!], answer.messages!)
  },
}
