import { deepEqual, equal, ok } from 'node:assert/strict'
import { keysOf, LEVELS_MS, plain, sorted, withKey } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually, type SemanticsStage } from './stage.ts'

/** Everything in the retry or dead-letter topic of a group, once that is `count` messages or more. */
export const readGroupTopic = async (stage: SemanticsStage, topic: string, count: number) => {
  const puller = await stage.pullConsumer()
  return eventually(`${count} messages in ${topic}`, async () => {
    const messages = await stage.read(puller, topic, count)
    return messages.length >= count && messages
  })
}

export const growingDelays: SemanticsScenario = {
  name: 'refused messages come again after growing delays, through the retry topic of the group',
  needs: ['retry', 'delayLevels'],
  async run(stage) {
    const topic = await stage.topic('Retry')
    const sent = [
      plain('thrice', { fail: '3', colour: 'grün ✓' }),
      plain('thrown', { fail: '1', failBy: 'throw' }),
      plain('null', { fail: '1', failBy: 'null' }),
      plain('level-two', { fail: '1', nextLevel: '2' }),
      plain('taken'),
    ]
    const results = await stage.sends(topic, sent)
    const member = await stage.consumer(topic)
    const collected = await member.receives(4 + 2 + 2 + 2 + 1)
    const delays = { thrice: [3, 4, 5], thrown: [3], null: [3], 'level-two': [2], taken: [] }
    for (const [keys, levels] of Object.entries(delays)) {
      const deliveries = withKey(collected, keys)
      const [first] = deliveries
      const result = results[sent.findIndex((message) => message.keys === keys)]!
      deepEqual(
        deliveries.map(({ reconsumeTimes }) => reconsumeTimes),
        [0, ...levels.map((_, index) => index + 1)],
        `attempts of ${keys}`,
      )
      for (const [index, level] of levels.entries()) {
        const [before, after] = [deliveries[index]!, deliveries[index + 1]!]
        ok(after.arrivedAtMs - before.arrivedAtMs >= LEVELS_MS[level - 1]!, `${keys} comes at level ${level}`)
        deepEqual(
          [after.topic, after.msgId, after.body, after.bornTimestampMs],
          [topic, first!.msgId, first!.body, first!.bornTimestampMs],
        )
        equal(after.properties.ORIGIN_MESSAGE_ID, result.offsetMsgId)
        equal(after.properties.RETRY_TOPIC, topic)
        equal(after.properties.colour, first!.properties.colour)
      }
    }
    const retried = await readGroupTopic(stage, `%RETRY%${member.group}`, 6)
    deepEqual(sorted(keysOf(retried)), ['level-two', 'null', 'thrice', 'thrice', 'thrice', 'thrown'])
    deepEqual(
      withKey(retried, 'thrice').map(({ reconsumeTimes }) => reconsumeTimes),
      [1, 2, 3],
    )
    ok(
      retried.every(({ queueId, properties }) => queueId === 0 && properties.RETRY_TOPIC === topic),
      'one queue, one origin',
    )
    equal((await member.collected()).length, 11)
    await member.stop()
  },
}

export const deadLetters: SemanticsScenario = {
  name: 'a message refused too often, or for good, is a dead letter and can be read as one',
  needs: ['retry', 'delayLevels', 'deadLetters'],
  async run(stage) {
    const topic = await stage.topic('DeadLetter')
    const sent = [
      plain('always', { fail: '100' }, { tags: 'TagA' }),
      plain('at-once', { fail: '100', nextLevel: '-1' }, { tags: 'TagA' }),
      plain('last-chance', { fail: '2' }, { tags: 'TagA' }),
      plain('other', {}, { tags: 'TagB' }),
    ]
    const results = await stage.sends(topic, sent)
    const member = await stage.consumer(topic, { maxReconsumeTimes: 2, expression: 'TagA' })
    const dead = await readGroupTopic(stage, `%DLQ%${member.group}`, 2)
    deepEqual(sorted(keysOf(dead)), ['always', 'at-once'])
    for (const letter of dead) {
      const index = sent.findIndex((message) => message.keys === letter.keys)
      equal(letter.body, sent[index]!.body.toString('base64'))
      equal(letter.tags, 'TagA')
      equal(letter.msgId, results[index]!.msgId)
      equal(letter.properties.RETRY_TOPIC, topic)
      equal(letter.properties.ORIGIN_MESSAGE_ID, results[index]!.offsetMsgId)
      equal(letter.queueId, 0)
    }
    deepEqual(
      sorted(keysOf(await member.receives(7))),
      sorted(['always', 'always', 'always', 'at-once', 'last-chance', 'last-chance', 'last-chance']),
    )
    await member.stop()
  },
}

export const orderlyDeadLetters: SemanticsScenario = {
  name: 'in order, a message refused too often leaves for the dead letters and its queue goes on',
  needs: ['orderly', 'deadLetters'],
  async run(stage) {
    const topic = await stage.topic('OrderlyDead', 1)
    await stage.sends(topic, [plain('before'), plain('poison', { fail: '100' }), plain('behind')])
    const member = await stage.consumer(topic, { orderly: true, maxReconsumeTimes: 2, suspendMs: 20 })
    const collected = await member.receives(5)
    deepEqual(
      collected.map(({ keys, reconsumeTimes }) => [keys, reconsumeTimes]),
      [
        ['before', 0],
        ['poison', 0],
        ['poison', 1],
        ['poison', 2],
        ['behind', 0],
      ],
    )
    const [dead, ...others] = await readGroupTopic(stage, `%DLQ%${member.group}`, 1)
    equal(others.length, 0)
    deepEqual([dead!.keys, dead!.properties.RETRY_TOPIC], ['poison', topic])
    await member.stop()
  },
}

/** In the middle of its retries the broker is started again. */
export const retryAcrossRestart: SemanticsScenario = {
  name: 'refused messages that wait come again after the broker was started again',
  needs: ['retry', 'delayLevels'],
  async run(stage) {
    const topic = await stage.topic('RetryRestart')
    await stage.sends(topic, [plain('waits', { fail: '1', nextLevel: '6' }), plain('taken')])
    const member = await stage.consumer(topic)
    await member.receives(2)
    await stage.brokerRestarts()
    const collected = await member.receives(3)
    const deliveries = withKey(collected, 'waits')
    deepEqual([...new Set(deliveries.map(({ reconsumeTimes }) => reconsumeTimes))], [0, 1])
    const [first, last] = [deliveries[0]!, deliveries.at(-1)!]
    ok(last.arrivedAtMs - first.arrivedAtMs >= LEVELS_MS[5]!, 'not before its time')
    await member.stop()
  },
}
