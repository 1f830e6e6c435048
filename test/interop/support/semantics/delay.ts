import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ReceivedMessage } from '../../../support/java-client.ts'
import { keysOf, LEVELS_MS, plain, sorted, withKey } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'

const COUNT = 5

const levelled = (part: string, levels: readonly number[]) =>
  levels.flatMap((level) =>
    Array.from({ length: COUNT }, (_, index) =>
      plain(`${part}-${level}-${index}`, { colour: 'grün ✓' }, { delayLevel: level, tags: 'TagA' }),
    ),
  )

const level = (message: ReceivedMessage): number => Number(message.keys!.split('-')[1])

export const delayLevels: SemanticsScenario = {
  name: 'messages with delay levels come at their time, not before, each once, across a restart of the broker',
  needs: ['delayLevels'],
  async run(stage) {
    const topic = await stage.topic('Delay', 1)
    const member = await stage.consumer(topic)
    // The longest first: what comes first is decided by the levels, not by the order of sending.
    const before = [...levelled('before', [6, 2, 1]), plain('at-once')]
    const results = await stage.sends(topic, before)
    ok(
      results.every(({ status }) => status === 'SEND_OK'),
      'all were stored',
    )
    await member.receives(1)
    await stage.brokerRestarts()
    const after = levelled('after', [2, 1])
    await stage.sends(topic, after)
    const collected = await member.receives(before.length + after.length)
    deepEqual(sorted([...new Set(keysOf(collected))]), sorted(keysOf([...before, ...after] as never)))

    const stored = await stage.read(await stage.pullConsumer(), topic, before.length + after.length)
    deepEqual(sorted(keysOf(stored)), sorted(keysOf([...before, ...after] as never)), 'each one was delivered once')
    for (const message of stored.filter(({ keys }) => keys !== 'at-once')) {
      const delayMs = LEVELS_MS[level(message) - 1]!
      ok(message.storeTimestampMs - message.bornTimestampMs >= delayMs, `${message.keys} is not early`)
      ok(
        withKey(collected, message.keys!)[0]!.arrivedAtMs - message.bornTimestampMs >= delayMs,
        'nor did it arrive early',
      )
      deepEqual([message.topic, message.queueId, message.tags], [topic, 0, 'TagA'])
      equal(message.properties.colour, 'grün ✓')
    }
    for (const part of ['before', 'after']) {
      for (const each of [1, 2, 6]) {
        const ofLevel = keysOf(stored).filter((keys) => keys.startsWith(`${part}-${each}-`))
        deepEqual(ofLevel, sorted(ofLevel), 'in the order of sending within a level')
      }
    }
    await member.stop()
  },
}

export const levelBeyondTheLast: SemanticsScenario = {
  name: 'a delay level beyond the last one counts as the last one',
  needs: ['delayLevels'],
  async run(stage) {
    const topic = await stage.topic('DelayBeyond', 1)
    await stage.sends(topic, [plain('beyond', {}, { delayLevel: 99 })])
    const member = await stage.consumer(topic)
    const [message] = await member.receives(1)
    ok(message!.storeTimestampMs - message!.bornTimestampMs >= LEVELS_MS.at(-1)!, 'the last level')
    await member.stop()
  },
}
