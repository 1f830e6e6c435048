import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../lib/base/clock.ts'
import { DurabilityGate, type DurabilityOutcome } from '../../../lib/broker/durability.ts'
import { MessageWriter } from '../../../lib/broker/messages/message-writer.ts'
import { StoredMessages } from '../../../lib/broker/messages/stored-messages.ts'
import { DeadLetters } from '../../../lib/broker/retry/dead-letters.ts'
import { topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { hostAddress } from '../../../lib/protocol/host-address.ts'
import { encodeOffsetMessageId } from '../../../lib/protocol/message-ids.ts'
import { openTestStore } from '../../store/support/store-fixture.ts'

const host = hostAddress('127.0.0.1', 10_911)

const setUp = async (t: TestContext, durable?: DurabilityOutcome) => {
  const store = await openTestStore(t)
  const writer = new MessageWriter(store, new DurabilityGate(store, systemClock, 5000), [])
  const messages = new StoredMessages(store)
  const topics = new Map(['T', '%DLQ%G', '%DLQ%H'].map((name) => [name, topicConfig(name, { writeQueueNums: 4 })]))
  const offsets = new Map<string, number>()
  const letters = new DeadLetters({
    ...{ store, messages, topics },
    writer: {
      write: (message) => writer.write(message),
      durable: (end) => (durable === undefined ? writer.durable(end) : Promise.resolve(durable)),
    },
    offsets: {
      find: (group, topic) => offsets.get(`${topic}@${group}`),
      commit: (group, topic, _queueId, offset) => offsets.set(`${topic}@${group}`, offset) !== undefined,
    },
    random: () => 0.99,
  })
  const write = (topic: string, queueId: number, properties: Record<string, string>, body = 'hello') =>
    writer.write({
      ...{ topic, queueId, flag: 7, sysFlag: 0, bornTimestampMs: 5, bornHost: host, reconsumeTimes: 16 },
      ...{ preparedTransactionOffset: 0, body: Buffer.from(body), properties: new Map(Object.entries(properties)) },
    })
  /** A message to T that group G gave up. */
  const giveUp = async (queueId: number, body: string) => {
    const { physicalOffset } = write('T', queueId, { KEYS: 'k' }, body)
    const origin = encodeOffsetMessageId(host, physicalOffset)
    const ofRetries = { RETRY_TOPIC: 'T', ORIGIN_MESSAGE_ID: origin, DELAY: '0', WAIT: 'false', REAL_TOPIC: '%RETRY%G' }
    const { endOffset } = write('%DLQ%G', 0, { KEYS: 'k', UNIQ_KEY: 'u', ...ofRetries }, body)
    await store.whenDispatched(endOffset)
  }
  const queue = async (queueId: number) => {
    await store.whenDispatched(store.watermarks.appended)
    return (await messages.ofQueue('T', queueId, 0, 100)).messages
  }
  return { letters, write, giveUp, queue, topics, offsets, store }
}

test('dead letters are read page by page', async (t) => {
  const { letters, giveUp } = await setUp(t)
  for (const body of ['a', 'b', 'c']) await giveUp(0, body)
  const page = await letters.read('G', 1, 1)
  deepEqual([page.firstOffset, page.endOffset, page.nextOffset], [0, 3, 2])
  deepEqual(
    page.letters.map(({ body }) => body.toString()),
    ['b'],
  )
  deepEqual((await letters.read('G', 3, 10)).letters, [])
})

test('a replayed letter is as new in the queue it was first sent to, and is dealt with', async (t) => {
  const { letters, giveUp, queue } = await setUp(t)
  await giveUp(2, 'a')
  deepEqual(await letters.replay('G', 10), { firstOffset: 1, endOffset: 1, replayed: 1, refusal: undefined })
  const [, again] = await queue(2)
  equal(again!.body.toString(), 'a')
  deepEqual([again!.reconsumeTimes, again!.flag, again!.bornTimestamp], [0, 7, 5])
  deepEqual(Object.fromEntries(again!.properties), { KEYS: 'k', UNIQ_KEY: 'u' })
  deepEqual(await letters.replay('G', 10), { firstOffset: 1, endOffset: 1, replayed: 0, refusal: undefined })
})

test('as many as asked for are replayed, in their order', async (t) => {
  const { letters, giveUp, queue } = await setUp(t)
  const bodies = Array.from({ length: 70 }, (_, index) => `m${index}`)
  for (const body of bodies) await giveUp(1, body)
  equal((await letters.replay('G', 65)).firstOffset, 65)
  const again = (await queue(1)).slice(70)
  deepEqual(
    again.map(({ body }) => body.toString()),
    bodies.slice(0, again.length),
  )
  equal((await letters.replay('G', 65)).replayed, 5)
})

test('a letter whose origin is gone goes to any queue', async (t) => {
  const { letters, write, queue, store } = await setUp(t)
  for (const ORIGIN_MESSAGE_ID of ['no id', encodeOffsetMessageId(host, 1 << 30), '7F0000010000018B4AAC2A139E070000']) {
    await store.whenDispatched(write('%DLQ%G', 0, { RETRY_TOPIC: 'T', ORIGIN_MESSAGE_ID }).endOffset)
  }
  equal((await letters.replay('G', 10)).replayed, 3)
  equal((await queue(3)).length, 3)
})

test('a replay stops at a letter that cannot be sent, says why, and goes on there later', async (t) => {
  const { letters, giveUp, write, topics, store } = await setUp(t)
  await giveUp(0, 'a')
  await store.whenDispatched(write('%DLQ%G', 0, { RETRY_TOPIC: 'Gone' }).endOffset)
  await giveUp(0, 'b')
  const first = await letters.replay('G', 10)
  deepEqual(first, { firstOffset: 1, endOffset: 3, replayed: 1, refusal: 'topic[Gone] not exist' })
  topics.set('Gone', topicConfig('Gone', { perm: 4 }))
  equal((await letters.replay('G', 10)).refusal, 'the topic[Gone] sending message is forbidden')
  topics.set('Gone', topicConfig('Gone'))
  deepEqual(await letters.replay('G', 10), { firstOffset: 3, endOffset: 3, replayed: 2, refusal: undefined })
})

test('what is replayed is dealt with once it is on the device, also when the next letter cannot be sent', async (t) => {
  const { letters, giveUp, write, offsets, store } = await setUp(t, { kind: 'timeout' })
  await giveUp(0, 'a')
  const refusal = 'replayed messages are not on the device'
  deepEqual(await letters.replay('G', 10), { firstOffset: 0, endOffset: 1, replayed: 0, refusal })
  await store.whenDispatched(write('%DLQ%G', 0, { RETRY_TOPIC: 'Gone' }).endOffset)
  deepEqual(await letters.replay('G', 10), { firstOffset: 0, endOffset: 2, replayed: 0, refusal })
  equal(offsets.size, 0)
})

test('a purge is done with letters up to an offset, and none before', async (t) => {
  const { letters, giveUp, offsets } = await setUp(t)
  for (const body of ['a', 'b', 'c']) await giveUp(0, body)
  deepEqual(letters.purge('G', 2), { firstOffset: 2, endOffset: 3 })
  deepEqual(letters.purge('G', 1), { firstOffset: 2, endOffset: 3 })
  equal(offsets.get('%DLQ%G@G'), 2)
  equal((await letters.replay('G', 10)).replayed, 1)
})

test('two replays of one group do not run at once', async (t) => {
  const { letters, giveUp } = await setUp(t)
  await giveUp(0, 'a')
  const first = letters.replay('G', 1)
  await rejects(letters.replay('G', 1), { code: 'SYSTEM_BUSY' })
  equal((await first).replayed, 1)
  equal((await letters.replay('G', 1)).replayed, 0)
})

test('what is asked in vain is said', async (t) => {
  const { letters, giveUp } = await setUp(t)
  deepEqual(letters.bounds('H'), { firstOffset: 0, endOffset: 0 })
  throws(() => letters.bounds('unknown'), { code: 'TOPIC_NOT_EXIST' })
  await rejects(letters.replay('unknown', 1), { code: 'TOPIC_NOT_EXIST' })
  await giveUp(0, 'a')
  await rejects(letters.read('G', -1, 1), { code: 'SYSTEM_ERROR' })
  await rejects(letters.read('G', 0, 1001), { code: 'SYSTEM_ERROR' })
  await rejects(letters.replay('G', 0), { code: 'SYSTEM_ERROR' })
  throws(() => letters.purge('G', 2), { code: 'SYSTEM_ERROR', message: /end at 1/ })
})
