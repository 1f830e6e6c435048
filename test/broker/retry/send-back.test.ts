import { deepEqual, equal } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../lib/base/clock.ts'
import { delayDetour } from '../../../lib/broker/delay/delay-detour.ts'
import { DurabilityGate, type DurabilityOutcome } from '../../../lib/broker/durability.ts'
import { MessageWriter } from '../../../lib/broker/messages/message-writer.ts'
import type { NewMessage } from '../../../lib/broker/messages/new-message.ts'
import { StoredMessages } from '../../../lib/broker/messages/stored-messages.ts'
import { sendBackHandler } from '../../../lib/broker/retry/send-back.ts'
import { ResponseError } from '../../../lib/net/handler.ts'
import { subscriptionGroupConfig } from '../../../lib/protocol/bodies/subscription-group.ts'
import { type TopicConfig, topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { hostAddress } from '../../../lib/protocol/host-address.ts'
import { validateTopic } from '../../../lib/protocol/names.ts'
import { ResponseCode } from '../../../lib/protocol/response-codes.ts'
import type { StoreOptions } from '../../../lib/store/index.ts'
import { openTestStore } from '../../store/support/store-fixture.ts'
import { FakeConnection } from '../support/fake-connection.ts'

const V3_4_8 = 119
const V4_9_8 = 409

const original: NewMessage = {
  topic: 'T',
  queueId: 2,
  flag: 5,
  sysFlag: 1,
  bornTimestampMs: 1_700_000_000_000,
  bornHost: hostAddress('10.1.2.3', 4567),
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from('a body'),
  properties: new Map([
    ['KEYS', 'k'],
    ['TAGS', 'Tag'],
  ]),
}

const group = (changes: Parameters<typeof subscriptionGroupConfig>[1] = {}) => subscriptionGroupConfig('G', changes)

const setUp = async (
  t: TestContext,
  options: {
    readonly group?: ReturnType<typeof group>
    readonly topics?: readonly TopicConfig[]
    readonly writable?: boolean
    readonly random?: number
    readonly durable?: DurabilityOutcome
    readonly store?: Partial<StoreOptions>
  } = {},
) => {
  const gates: DurabilityGate[] = []
  t.after(() => gates[0]?.stop())
  const store = await openTestStore(t, options.store)
  const gate = new DurabilityGate(store, systemClock, 5000)
  gates.push(gate)
  const writer = new MessageWriter(store, gate, [delayDetour(18)])
  const messages = new StoredMessages(store)
  const topics = new Map((options.topics ?? []).map((topic) => [topic.topicName, topic]))
  const told: unknown[][] = []
  const { durable } = options
  const handler = sendBackHandler({
    groups: { find: (name) => (name === 'unknown' ? undefined : (options.group ?? group())) },
    topics: {
      createOnSendBack(name, queues, perm, topicSysFlag) {
        if (validateTopic(name) !== undefined) return undefined
        const settings = { readQueueNums: queues, writeQueueNums: queues, perm, topicSysFlag }
        if (!topics.has(name)) topics.set(name, topicConfig(name, settings))
        return topics.get(name)
      },
    },
    messages,
    writer: {
      write: (message) => writer.write(message),
      durable: (end) => (durable === undefined ? writer.durable(end) : Promise.resolve(durable)),
    },
    random: () => options.random ?? 0.99,
    broker: { address: '10.0.0.1', writable: () => options.writable ?? true },
    sentBack: (...facts) => void told.push(facts),
  })
  /** Sends back; gives code and remark as the dispatcher of requests answers them. */
  const sendBack = async (fields: Readonly<Record<string, string | number>>, version = V4_9_8) => {
    const extFields = new Map(
      Object.entries({ group: 'G', delayLevel: 0, ...fields }).map(([key, value]) => [key, String(value)]),
    )
    const request = { code: 36, language: 0, version, opaque: 1, flag: 0, remark: undefined, extFields }
    const full = { ...request, body: Buffer.alloc(0), serializeType: 0 as const }
    try {
      const answer = await handler.answer({ connection: new FakeConnection(), request: full })
      return { code: answer!.code, remark: answer!.remark }
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error
      return { code: error.responseCode, remark: error.message }
    }
  }
  const queue = async (topic: string, queueId: number) => {
    await store.whenDispatched(store.watermarks.appended)
    return (await messages.ofQueue(topic, queueId, 0, 100)).messages
  }
  const write = (changes: Partial<NewMessage> = {}) => writer.write({ ...original, ...changes }).physicalOffset
  return { store, topics, told, sendBack, queue, write }
}

const OK = { code: ResponseCode.SUCCESS, remark: undefined }

test('a message comes back in the retry topic after the delay of its first retry', async (t) => {
  const { sendBack, queue, write, topics, told } = await setUp(t)
  const offset = write()
  deepEqual(await sendBack({ offset }), OK)
  const [record] = await queue('SCHEDULE_TOPIC_XXXX', 2)
  const { flag, sysFlag, bornTimestamp, bornHost, reconsumeTimes, body } = record!
  deepEqual(
    [flag, sysFlag, bornTimestamp, bornHost.port, reconsumeTimes, body.toString()],
    [5, 1, 1_700_000_000_000, 4567, 1, 'a body'],
  )
  deepEqual(Object.fromEntries(record!.properties), {
    KEYS: 'k',
    TAGS: 'Tag',
    RETRY_TOPIC: 'T',
    WAIT: 'false',
    DELAY: '3',
    ORIGIN_MESSAGE_ID: '7F00000100002A9F0000000000000000',
    REAL_TOPIC: '%RETRY%G',
    REAL_QID: '0',
  })
  const { readQueueNums, writeQueueNums, perm, topicSysFlag } = topics.get('%RETRY%G')!
  deepEqual([readQueueNums, writeQueueNums, perm, topicSysFlag], [1, 1, 6, 0])
  deepEqual(told, [['G', 'T', record!.sizeBytes, true]])
})

test('the delay grows with each retry up to the longest, and what it was first stays known', async (t) => {
  const { sendBack, queue, write } = await setUp(t)
  const properties = new Map([
    ['RETRY_TOPIC', 'First'],
    ['ORIGIN_MESSAGE_ID', 'id-1'],
    ['DELAY', '4'],
    ['REAL_TOPIC', '%RETRY%G'],
    ['REAL_QID', '0'],
  ])
  for (const reconsumeTimes of [2, 15]) {
    // As it stands in the retry topic: delivered, so without a detour.
    const offset = write({ topic: '%RETRY%G', reconsumeTimes, properties: new Map([...properties, ['DELAY', '0']]) })
    deepEqual(await sendBack({ offset }), OK)
  }
  const [third] = await queue('SCHEDULE_TOPIC_XXXX', 4)
  const [last] = await queue('SCHEDULE_TOPIC_XXXX', 17)
  deepEqual([third!.reconsumeTimes, last!.reconsumeTimes], [3, 16])
  deepEqual([third!.properties.get('DELAY'), last!.properties.get('DELAY')], ['5', '18'])
  for (const { properties } of [third!, last!]) {
    deepEqual([properties.get('RETRY_TOPIC'), properties.get('ORIGIN_MESSAGE_ID')], ['First', 'id-1'])
  }
})

test('a blank origin id counts as none', async (t) => {
  const { sendBack, queue, write } = await setUp(t)
  const offset = write({ properties: new Map([['ORIGIN_MESSAGE_ID', ' ']]) })
  await sendBack({ offset, delayLevel: 1 })
  const [record] = await queue('SCHEDULE_TOPIC_XXXX', 0)
  equal(record!.properties.get('ORIGIN_MESSAGE_ID'), '7F00000100002A9F0000000000000000')
})

test('a level that the consumer names is taken', async (t) => {
  const { sendBack, queue, write } = await setUp(t)
  await sendBack({ offset: write(), delayLevel: 7 })
  equal((await queue('SCHEDULE_TOPIC_XXXX', 6)).length, 1)
})

test('a negative level gives the message up at once: it goes to the dead letters, readable, undelayed', async (t) => {
  const { sendBack, queue, write, topics } = await setUp(t)
  deepEqual(await sendBack({ offset: write(), delayLevel: -1, unitMode: 'true' }), OK)
  const [record] = await queue('%DLQ%G', 0)
  deepEqual([record!.reconsumeTimes, record!.properties.get('DELAY')], [1, '0'])
  const { readQueueNums, writeQueueNums, perm, topicSysFlag } = topics.get('%DLQ%G')!
  deepEqual([readQueueNums, writeQueueNums, perm, topicSysFlag], [1, 1, 6, 0])
  equal(topics.get('%RETRY%G')!.topicSysFlag, 2)
})

test('after the last time of the group a message goes to the dead letters', async (t) => {
  const { sendBack, queue, write } = await setUp(t, { group: group({ retryMaxTimes: 2 }) })
  await sendBack({ offset: write({ reconsumeTimes: 1 }) })
  equal((await queue('%DLQ%G', 0)).length, 0)
  await sendBack({ offset: write({ reconsumeTimes: 2 }) })
  equal((await queue('%DLQ%G', 0)).length, 1)
})

test('the limit in the request goes before that of the group, unless the client is too old to know of it', async (t) => {
  const { sendBack, queue, write } = await setUp(t, { group: group({ retryMaxTimes: 2 }) })
  await sendBack({ offset: write({ reconsumeTimes: 2 }), maxReconsumeTimes: 3 })
  equal((await queue('%DLQ%G', 0)).length, 0)
  await sendBack({ offset: write({ reconsumeTimes: 3 }), maxReconsumeTimes: 3 })
  equal((await queue('%DLQ%G', 0)).length, 1)
  await sendBack({ offset: write({ reconsumeTimes: 2 }), maxReconsumeTimes: 3 }, V3_4_8)
  equal((await queue('%DLQ%G', 0)).length, 2)
})

test('a group without retry queues forgets the message, with success', async (t) => {
  const { sendBack, topics, store } = await setUp(t, { group: group({ retryQueueNums: 0 }) })
  deepEqual(await sendBack({ offset: 0 }), OK)
  deepEqual([topics.size, store.watermarks.appended], [0, 0])
})

test('a retry goes to one of the queues that group and topic both have', async (t) => {
  const topics = [topicConfig('%RETRY%G', { readQueueNums: 2, writeQueueNums: 2 })]
  const few = await setUp(t, { group: group({ retryQueueNums: 4 }), topics })
  await few.sendBack({ offset: few.write(), delayLevel: 1 })
  const [record] = await few.queue('SCHEDULE_TOPIC_XXXX', 0)
  equal(record!.properties.get('REAL_QID'), '1')
  const many = await setUp(t, { group: group({ retryQueueNums: 4 }) })
  await many.sendBack({ offset: many.write(), delayLevel: 1 })
  equal((await many.queue('SCHEDULE_TOPIC_XXXX', 0))[0]!.properties.get('REAL_QID'), '3')
})

test("what cannot be sent back is answered in Java's words, and nothing is stored", async (t) => {
  const closed = [topicConfig('%RETRY%G', { perm: 4 })]
  const cases: [Parameters<typeof setUp>[1], Record<string, string | number>, number, string][] = [
    [
      {},
      { group: 'unknown' },
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      'subscription group not exist, unknown \nSee http://rocketmq.apache.org/docs/faq/ for further details.',
    ],
    [{ writable: false }, {}, ResponseCode.NO_PERMISSION, 'the broker[10.0.0.1] sending message is forbidden'],
    [{ topics: closed }, {}, ResponseCode.NO_PERMISSION, 'the topic[%RETRY%G] sending message is forbidden'],
    [{}, { offset: 12_345 }, ResponseCode.SYSTEM_ERROR, 'look message by offset failed, 12345'],
    [{}, { offset: -1 }, ResponseCode.SYSTEM_ERROR, 'look message by offset failed, -1'],
    [{}, { group: 'g'.repeat(121) }, ResponseCode.SYSTEM_ERROR, `topic[%RETRY%${'g'.repeat(121)}] not exist`],
  ]
  for (const [options, fields, code, remark] of cases) {
    const { sendBack, store } = await setUp(t, options)
    deepEqual(await sendBack({ offset: 0, ...fields }), { code, remark })
    equal(store.watermarks.appended, 0)
  }
})

test('a message that the store does not take, or cannot make durable, is not said to be sent back', async (t) => {
  const long = new Map([['x', 'y'.repeat(32_700)]])
  const { sendBack, write } = await setUp(t)
  deepEqual(await sendBack({ offset: write({ properties: long }) }), { code: 1, remark: 'MESSAGE_ILLEGAL' })
  const late = await setUp(t, { durable: { kind: 'timeout' } })
  deepEqual(await late.sendBack({ offset: late.write() }), { code: 1, remark: 'FLUSH_DISK_TIMEOUT' })
  deepEqual(late.told, [])
})

test('under sync flush the answer comes when the message is on the device', async (t) => {
  const { sendBack, write, store } = await setUp(t, { store: { flush: { mode: 'sync' } } })
  const offset = write()
  await store.whenFlushed(store.watermarks.appended)
  deepEqual(await sendBack({ offset }), OK)
  equal(store.watermarks.flushed, store.watermarks.appended)
})
