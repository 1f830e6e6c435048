import { deepEqual, equal } from 'node:assert/strict'
import type { OutgoingMessage, Queue, ReceivedMessage } from '../../../support/java-client.ts'
import { keysOf, plain, sorted } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually, type SemanticsStage } from './stage.ts'

const QUEUES = 4

class LitePull {
  readonly #stage: SemanticsStage
  readonly #name: string
  readonly group: string

  constructor(stage: SemanticsStage, name: string, group: string) {
    this.#stage = stage
    this.#name = name
    this.group = group
  }

  /** Subscribes when an expression is given, else is assigned all queues. */
  static async start(
    stage: SemanticsStage,
    topic: string,
    more: { expression?: string; group?: string; autoCommit?: boolean },
  ): Promise<LitePull> {
    const settings = { ...stage.settings('lite'), autoCommit: false, topic, ...more }
    await stage.driver.call('createLitePull', { ...settings, instance: settings.name })
    return new LitePull(stage, settings.name, settings.group)
  }

  call<T>(command: string, args: object = {}): Promise<T> {
    return this.#stage.driver.call<T>(command, { consumer: this.#name, ...args })
  }

  poll(timeoutMs = 500): Promise<readonly ReceivedMessage[]> {
    return this.call('litePoll', { timeoutMs })
  }

  /** Polls until so many messages have come. */
  async receives(count: number): Promise<readonly ReceivedMessage[]> {
    const received: ReceivedMessage[] = []
    await eventually(`${count} messages polled`, async () => {
      received.push(...(await this.poll()))
      return received.length >= count
    })
    return received
  }

  async queues(): Promise<readonly Queue[]> {
    const queues = await this.call<readonly Queue[]>('liteAssignment')
    return [...queues].sort((a, b) => a.queueId - b.queueId)
  }

  stop(): Promise<void> {
    return this.call('stopLitePull')
  }
}

const numbered = (part: string, count: number, tags: string): readonly OutgoingMessage[] =>
  Array.from({ length: count }, (_, index) => plain(`${part}-${index}`, {}, { tags }))

const liteSubscribe: SemanticsScenario = {
  name: 'lite pull by subscription: polls its tags, shares queues, commits and goes on from there',
  needs: ['litePull', 'tags'],
  versions: ['4.9.8'],
  async run(stage) {
    const topic = await stage.topic('LiteSubscribe', QUEUES)
    const first = await LitePull.start(stage, topic, { expression: 'TagA' })
    const sent = [...numbered('a', 20, 'TagA'), ...numbered('b', 20, 'TagB')]
    await stage.sends(topic, sent)
    const received = await first.receives(20)
    deepEqual(sorted(keysOf(received)), sorted(keysOf(numbered('a', 20, '') as never)))
    await first.call('liteCommit')
    for (const { queueId, queueOffset } of received) {
      await eventually('the committed offset', async () => {
        return ((await stage.committedOffset(first.group, topic, queueId)) ?? 0) > queueOffset
      })
    }
    const second = await LitePull.start(stage, topic, { expression: 'TagA', group: first.group })
    await eventually('a balance', async () => {
      const shares = [await first.queues(), await second.queues()]
      return (
        shares.every((share) => share.length === QUEUES / 2) && new Set(shares.flat().map((q) => q.queueId)).size === 4
      )
    })
    await second.stop()
    await first.stop()
    await stage.sends(topic, numbered('later', 8, 'TagA'))
    const third = await LitePull.start(stage, topic, { expression: 'TagA', group: first.group, autoCommit: true })
    deepEqual(sorted(keysOf(await third.receives(8))), sorted(keysOf(numbered('later', 8, '') as never)))
    await third.stop()
  },
}

const liteAssign: SemanticsScenario = {
  name: 'lite pull by assignment: seeks, pauses, resumes, finds offsets by time',
  needs: ['litePull'],
  versions: ['4.9.8'],
  async run(stage) {
    const topic = await stage.topic('LiteAssign', 1)
    const results = await stage.sends(topic, numbered('a', 10, 'TagA'))
    equal(results.at(-1)?.queueOffset, 9)
    const lite = await LitePull.start(stage, topic, {})
    const [queue] = await lite.queues()
    const first = await lite.receives(10)
    deepEqual(
      first.map(({ queueOffset }) => queueOffset),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    )
    const from = async (to: string | number, count: number) => {
      await lite.call('liteSeek', { ...queue, to })
      return (await lite.receives(count)).map(({ queueOffset }) => queueOffset)
    }
    deepEqual(await from(7, 3), [7, 8, 9])
    deepEqual(await from('begin', 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await lite.call('liteSeek', { ...queue, to: 'end' })
    await stage.sends(topic, numbered('b', 1, 'TagA'))
    deepEqual(keysOf(await lite.receives(1)), ['b-0'])
    const timestampMs = first[4]!.storeTimestampMs
    const offset = await lite.call<number>('liteOffsetForTimestamp', { ...queue, timestampMs })
    equal(first[offset]?.storeTimestampMs, timestampMs)

    await lite.call('litePause', { ...queue })
    await stage.sends(topic, numbered('c', 1, 'TagA'))
    await lite.call('liteSeek', { ...queue, to: 10 })
    deepEqual(await lite.poll(300), [], 'a paused queue gives nothing')
    await lite.call('liteResume', { ...queue })
    deepEqual(keysOf(await lite.receives(2)), ['b-0', 'c-0'])
    await lite.call('liteCommit')
    await eventually('the committed offset', async () => (await lite.call('liteCommitted', { ...queue })) === 12)
    await lite.stop()
  },
}

/** Clients from 5.0 on pull with a code of their own here, LITE_PULL_MESSAGE (361), which Java 4.9 does not know. */
const of5x = (scenario: SemanticsScenario): SemanticsScenario => ({
  ...scenario,
  needs: [...scenario.needs, 'litePullOf5x'],
  versions: ['5.3.3'],
  brokers: ['java5', 'ours'],
})

export const litePulls: readonly SemanticsScenario[] = [
  liteSubscribe,
  liteAssign,
  of5x(liteSubscribe),
  of5x(liteAssign),
]
