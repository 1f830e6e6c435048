import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { OutgoingMessage, SentMessage } from '../../../support/java-client.ts'
import { keysOf, plain, sorted, withKey } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually, type SemanticsStage } from './stage.ts'

type Timed = SentMessage & { readonly recallHandle?: string }
type Setter = 'setDelayTimeSec' | 'setDelayTimeMs' | 'setDeliverTimeMs'

const sendTimed = (
  stage: SemanticsStage,
  producer: string,
  topic: string,
  timed: readonly (readonly [OutgoingMessage, Setter, number])[],
): Promise<readonly Timed[]> =>
  stage.driver.call('sendTimed', {
    producer,
    topic,
    messages: timed.map(([message]) => ({ ...message, body: message.body.toString('base64') })),
    setters: timed.map(([, setter]) => setter),
    values: timed.map(([, , value]) => value),
  })

export const deliveryTimes: SemanticsScenario = {
  name: 'delivery times of 5.x clients: by seconds, by milliseconds and by date, not before, each once',
  needs: ['timers'],
  versions: ['5.3.3'],
  brokers: ['java5', 'ours'],
  async run(stage) {
    const topic = await stage.topic('Timers', 1)
    const producer = await stage.producer()
    const member = await stage.consumer(topic)
    const deliverAtMs = Date.now() + 4321
    const results = await sendTimed(stage, producer, topic, [
      [plain('date'), 'setDeliverTimeMs', deliverAtMs],
      [plain('seconds'), 'setDelayTimeSec', 2],
      [plain('milliseconds'), 'setDelayTimeMs', 1500],
      [plain('past'), 'setDeliverTimeMs', Date.now() - 60_000],
    ])
    ok(
      results.every(({ status }) => status === 'SEND_OK'),
      'all were stored',
    )
    const collected = await member.receives(4)
    deepEqual(sorted(keysOf(collected)), ['date', 'milliseconds', 'past', 'seconds'])
    const of = (keys: string) => withKey(collected, keys)[0]!
    // Java rounds down to whole seconds and takes one more away; ours is never early.
    const earlyMs = stage.broker === 'java5' ? 2000 : 0
    ok(of('date').arrivedAtMs >= deliverAtMs - earlyMs, 'not before its date')
    ok(of('seconds').arrivedAtMs - of('seconds').bornTimestampMs >= 2000 - earlyMs, 'not before its seconds')
    ok(
      of('milliseconds').arrivedAtMs - of('milliseconds').bornTimestampMs >= 1500 - earlyMs,
      'not before its milliseconds',
    )
    for (const message of collected) {
      deepEqual([message.topic, message.queueId], [topic, 0])
      equal(message.msgId, results[['date', 'seconds', 'milliseconds', 'past'].indexOf(message.keys!)]!.msgId)
    }
    await member.stop()
  },
}

export const recall: SemanticsScenario = {
  name: 'a message with a delivery time is taken back by its recall handle',
  needs: ['timers'],
  versions: ['5.3.3'],
  brokers: ['java5', 'ours'],
  async run(stage) {
    const topic = await stage.topic('Recall', 1)
    const producer = await stage.producer()
    const member = await stage.consumer(topic)
    const [kept, recalled] = await sendTimed(stage, producer, topic, [
      [plain('kept'), 'setDelayTimeMs', 6000],
      [plain('recalled'), 'setDelayTimeMs', 5000],
    ])
    ok(kept!.recallHandle && recalled!.recallHandle, 'both have handles')
    const call = { producer, topic, recallHandle: recalled!.recallHandle }
    equal(await stage.driver.call('recall', call), recalled!.msgId)
    deepEqual(keysOf(await member.receives(1)), ['kept'])
    await rejects(stage.driver.call('recall', { producer, topic, recallHandle: 'no handle' }), /recall handle/)
    await member.stop()
  },
}

export const noTimersInJava: SemanticsScenario = {
  name: 'the Java broker 4.9.7 delivers messages with delivery times at once, and knows no recall',
  needs: [],
  versions: ['5.3.3'],
  brokers: ['java'],
  async run(stage) {
    const topic = await stage.topic('NoTimers', 1)
    const producer = await stage.producer()
    const member = await stage.consumer(topic)
    const [timed] = await sendTimed(stage, producer, topic, [[plain('hour'), 'setDelayTimeMs', 3_600_000]])
    deepEqual(keysOf(await member.receives(1)), ['hour'])
    equal(timed?.recallHandle, undefined)
    await rejects(
      stage.driver.call('recall', { producer, topic, recallHandle: 'v1 any broker-a 0 0' }),
      (error: Error) => /recall|not supported|RECALL/i.test(error.message),
    )
    await eventually('nothing else', () => true)
    await member.stop()
  },
}
