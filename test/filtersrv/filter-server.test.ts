import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startFilterServer } from '../../lib/filtersrv/index.ts'
import { bodyCrc } from '../../lib/protocol/crc32.ts'
import { atEnd } from '../broker/support/fixtures.ts'
import { startTestBroker } from '../broker/support/test-broker.ts'
import { parseRecords } from '../support/commitlog-reader.ts'
import { RawClient, type RawCommand, type RawReply } from '../support/raw-client.ts'
import { sendV2 } from '../support/raw-messages.ts'
import { waitFor } from '../support/wait-for.ts'

const SUSPEND = 2
const CLASS_FILTER = 8
const PARKED = /"parkedPulls":"(\d+)"/

const setUp = async (t: TestContext) => {
  const { broker, client } = await startTestBroker(t, { filterServerNums: '1' })
  const options = { brokerAddress: broker.address, host: '127.0.0.1', port: 0, listenHost: '127.0.0.1' }
  const server = await startFilterServer(options)
  const consumer = await RawClient.connect(server.address)
  atEnd(t, async () => {
    consumer.close()
    await server.stop()
  })
  return { broker, client, consumer, options }
}

const register = (source: string, more: Readonly<Record<string, string>> = {}): RawCommand => {
  const body = Buffer.from(source)
  const classCRC = String(bodyCrc(body))
  return { code: 302, extFields: { consumerGroup: 'G', topic: 'T', className: 'a.F', classCRC, ...more }, body }
}

const pull = (more: Readonly<Record<string, string>> = {}): RawCommand => ({
  code: 11,
  extFields: {
    ...{ consumerGroup: 'G', topic: 'T', queueId: '0', queueOffset: '0', maxMsgNums: '32', commitOffset: '0' },
    ...{ sysFlag: String(CLASS_FILTER), suspendTimeoutMillis: '15000', subVersion: '1', ...more },
  },
})

const send = (client: RawClient, body: string): Promise<RawReply> =>
  client.call(sendV2({ topic: 'T', queueId: 0, body: Buffer.from(body), properties: '', bornTimestampMs: 1 }))

const bodies = (reply: RawReply): string[] => parseRecords(reply.body).map(({ body }) => body.toString())

test('a consumer that pulls through the filter server gets what its function passes, records as they are', async (t) => {
  const { client, consumer } = await setUp(t)
  for (const body of ['a1', 'b1', 'a2']) await send(client, body)
  await consumer.call(register('function match(m) { return m.text.startsWith("a") }'))
  const reply = await waitFor('all messages', async () => {
    const one = await consumer.request(pull())
    return one.extFields.nextBeginOffset === '3' && one
  })
  deepEqual([reply.code, bodies(reply), reply.extFields.maxOffset], [0, ['a1', 'a2'], '3'])
  await consumer.call(register('function match(m) { return m.text === "x" }'))
  const none = await consumer.request(pull())
  deepEqual([none.code, none.extFields.nextBeginOffset, none.body.length], [20, '3', 0])
  const moved = await consumer.request(pull({ queueOffset: '100' }))
  deepEqual([moved.code, moved.extFields.nextBeginOffset], [21, '3'])
})

test('a pull at the end of its queue waits at the broker for the next message', async (t) => {
  const { client, consumer } = await setUp(t)
  await send(client, 'first')
  await consumer.call(register('function match() { return true }'))
  await waitFor('the first message', async () => (await consumer.request(pull())).code === 0)
  const waiting = consumer.request(pull({ queueOffset: '1', sysFlag: String(CLASS_FILTER | SUSPEND) }))
  await waitFor('the pull to wait', async () => {
    const { body } = await client.request({ code: 28 })
    return PARKED.exec(body.toString())?.[1] === '1'
  })
  await send(client, 'next')
  deepEqual(bodies(await waiting), ['next'])
})

test('a function that cannot be made is refused, and the one before it stays', async (t) => {
  const { client, consumer } = await setUp(t)
  await send(client, 'a')
  const unknown = await consumer.request(pull())
  deepEqual([unknown.code, unknown.remark], [1, 'Find Filter class failed, not registered'])
  await consumer.call(register('function match() { return true }'))
  for (const refused of [
    register('nothing'),
    register('function match() {}', { classCRC: '1' }),
    register(' '.repeat(70_000)),
  ]) {
    const reply = await consumer.request(refused)
    equal(reply.code, 1)
    match(reply.remark!, /\w+ \w+/)
  }
  await waitFor('the message', async () => (await consumer.request(pull())).code === 0)
})

test('a function that fails or never ends is answered as an error, others go on', async (t) => {
  const { client, consumer } = await setUp(t)
  await send(client, 'a')
  const good = { consumerGroup: 'Good' }
  await consumer.call(register('function match() { return true }', good))
  await waitFor('the message', async () => (await consumer.request(pull(good))).code === 0)
  for (const source of ['function match() { throw new Error("no") }', 'function match() { for (;;) {} }']) {
    await consumer.call(register(source))
    const reply = await consumer.request(pull())
    equal(reply.code, 1)
    match(reply.remark!, /^do Message Filter Exception, ConsumerGroup: G Topic: T /)
    equal((await consumer.request(pull(good))).code, 0)
  }
})

test('a broker takes as many filter servers as its properties say, by default none', async (t) => {
  const { options } = await setUp(t)
  await rejects(startFilterServer(options), /has its 1 filter servers/)
  const { broker, client } = await startTestBroker(t)
  await rejects(startFilterServer({ ...options, brokerAddress: broker.address }), /filterServerNums is 0/)
  equal((await client.request({ code: 301, extFields: { filterServerAddr: '127.0.0.1:1' } })).code, 3)
})
