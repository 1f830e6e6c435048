import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { RawCommand, RawReply } from '../../support/raw-client.ts'
import { waitFor } from '../../support/wait-for.ts'
import { commitCommand, heartbeatCommand, json, sendCommand, topicCommand } from '../support/commands.ts'
import { startTestBroker } from '../support/test-broker.ts'

const resetCommand = (more: Record<string, string> = {}): RawCommand => ({
  code: 222,
  extFields: { topic: 'T', group: 'G', timestamp: '0', isForce: 'false', ...more },
})

/** A broker whose topic T has two queues with three messages in the first, and a group that has consumed two of them. */
const startWithGroup = async (t: TestContext) => {
  const test = await startTestBroker(t)
  const { client } = test
  await client.call(topicCommand('T'))
  const sent: RawReply[] = []
  for (let i = 0; i < 3; i++) sent.push(await client.call(sendCommand('T')))
  const bounds = { code: 30, extFields: { topic: 'T', queueId: '0' } }
  await waitFor('dispatch', async () => (await client.call(bounds)).extFields.offset === '3')
  await client.call(commitCommand('G', 'T', 0, 2))
  await client.call(commitCommand('G', 'T', 1, 0))
  return { ...test, messageIds: sent.map(({ extFields }) => extFields.msgId!) }
}

/** Joins the group with a connection of its own; what the broker asks of it is kept. */
const joinGroup = async (
  { connect }: Awaited<ReturnType<typeof startTestBroker>>,
  clientId: string,
  answer: (request: RawReply) => RawCommand | undefined = () => undefined,
) => {
  const consumer = await connect()
  const asked: RawReply[] = []
  consumer.answerer = (request) => {
    if (request.code === 40) return undefined
    asked.push(request)
    return answer(request)
  }
  await consumer.call(heartbeatCommand(clientId, 'G'))
  return { consumer, asked }
}

const queueKey = (queueId: number): string => `{"brokerName":"broker-a","queueId":${queueId},"topic":"T"}`

test('a group that is connected is told to go back to a time', async (t) => {
  const broker = await startWithGroup(t)
  const { asked } = await joinGroup(broker, 'c1')
  const reply = await broker.client.call(resetCommand())
  deepEqual(json(reply), { offsetTable: { [queueKey(0)]: 0, [queueKey(1)]: 0 } })
  await waitFor('the notice', () => asked.length === 1)
  equal(asked[0]?.code, 220)
  deepEqual(asked[0]?.extFields, { topic: 'T', group: 'G', timestamp: '0', isForce: 'false' })
  deepEqual(json(asked[0]!), json(reply))
})

test('a group goes ahead only when that is forced', async (t) => {
  const broker = await startWithGroup(t)
  await joinGroup(broker, 'c1')
  const table = async (isForce: string) => {
    const reply = await broker.client.call(resetCommand({ timestamp: '-1', isForce }))
    return json<{ offsetTable: Record<string, number> }>(reply).offsetTable[queueKey(0)]
  }
  deepEqual([await table('false'), await table('true')], [2, 3])
})

test('a request in C++ gives the members a list', async (t) => {
  const broker = await startWithGroup(t)
  const { asked } = await joinGroup(broker, 'c1')
  await broker.client.call({ ...resetCommand(), language: 'CPP' })
  await waitFor('the notice', () => asked.length === 1)
  deepEqual(json(asked[0]!), {
    offsetTable: [0, 1].map((queueId) => ({ brokerName: 'broker-a', offset: 0, queueId, topic: 'T' })),
  })
})

test('a group cannot be moved when nobody is there, the topic is unknown, it has no offsets or its client is old', async (t) => {
  const broker = await startWithGroup(t)
  const { client } = broker
  const codeOf = async (more: Record<string, string> = {}) => (await client.request(resetCommand(more))).code
  equal(await codeOf(), 206)
  equal(await codeOf({ topic: 'Unknown' }), 1)
  equal(await codeOf({ group: 'Other' }), 1)
  equal(await codeOf({ group: 'no group' }), 1)
  equal(await codeOf({ timestamp: 'soon' }), 1)
  equal((await client.request({ code: 222, extFields: { topic: 'T' } })).code, 1)
  const old = await broker.connect()
  await old.call({ ...heartbeatCommand('old', 'G'), version: 27 })
  const refused = await client.request(resetCommand())
  equal(refused.code, 1)
  match(refused.remark ?? '', /does not support this feature/)
})

test('one queue is moved by the broker itself, members or none', async (t) => {
  const broker = await startWithGroup(t)
  const { client } = broker
  const stored = async (queueId: string) =>
    (await client.call({ code: 14, extFields: { consumerGroup: 'G', topic: 'T', queueId } })).extFields.offset
  await client.call(resetCommand({ queueId: '0', offset: '1' }))
  equal(await stored('0'), '1')
  await client.call(resetCommand({ queueId: '0', timestamp: '-1' }))
  equal(await stored('0'), '3')
  for (const wrong of [{ queueId: '0', offset: '4' }, { queueId: '0', offset: '-2' }, { queueId: '2' }]) {
    equal((await client.request(resetCommand(wrong))).code, 1)
  }
})

test('the status of a group is what its members answer; who does not is left out', async (t) => {
  const broker = await startWithGroup(t)
  const { client } = broker
  const status = (more: Record<string, string> = {}): RawCommand => ({
    code: 223,
    extFields: { topic: 'T', group: 'G', ...more },
  })
  equal((await client.request(status())).code, 1)
  const body = Buffer.from(`{"messageQueueTable":{${queueKey(0)}:7}}`)
  await joinGroup(broker, 'c1', () => ({ code: 0, body }))
  await joinGroup(broker, 'c2', () => ({ code: 1, remark: 'not now' }))
  const answered = { consumerTable: { c1: { [queueKey(0)]: 7 } }, messageQueueTable: {} }
  deepEqual(json(await client.call(status())), answered)
  deepEqual(json(await client.call(status({ clientAddr: 'c1' }))), answered)
  deepEqual(json(await client.call(status({ clientAddr: 'c3' }))), { consumerTable: {}, messageQueueTable: {} })
})

test('members that answer more than fits into one frame together are left out', async (t) => {
  const broker = await startWithGroup(t)
  const body = Buffer.from(JSON.stringify({ messageQueueTable: {}, more: 'x'.repeat(7 << 20) }))
  for (const clientId of ['c1', 'c2']) await joinGroup(broker, clientId, () => ({ code: 0, body }))
  const reply = await broker.client.call({ code: 223, extFields: { topic: 'T', group: 'G' } })
  const { consumerTable } = json<{ consumerTable: object }>(reply)
  equal(Object.keys(consumerTable).length, 1)
})

test('running info goes through the broker byte for byte, both ways', async (t) => {
  const broker = await startWithGroup(t)
  const body = Buffer.from('{mqTable:{{"queueId":1}:{}}} \u00e4')
  const { asked } = await joinGroup(broker, 'c1', () => ({ code: 0, extFields: { x: 'y' }, body }))
  const extFields = { consumerGroup: 'G', clientId: 'c1', jstackEnable: 'true', bname: 'b' }
  const reply = await broker.client.call({ code: 307, extFields })
  deepEqual([reply.body, reply.extFields], [body, { x: 'y' }])
  deepEqual([asked[0]?.code, asked[0]?.extFields], [307, extFields])
})

test('a message is given to one consumer with its record', async (t) => {
  const broker = await startWithGroup(t)
  const { client, messageIds } = broker
  const { asked } = await joinGroup(broker, 'c1', () => ({
    code: 0,
    body: Buffer.from('{"consumeResult":"CR_SUCCESS"}'),
  }))
  const direct = (more: Record<string, string> = {}): RawCommand => ({
    code: 309,
    extFields: { consumerGroup: 'G', clientId: 'c1', msgId: messageIds[1]!, ...more },
  })
  deepEqual(json(await client.call(direct())), { consumeResult: 'CR_SUCCESS' })
  equal(asked[0]?.extFields.brokerName, 'broker-a')
  const record = await client.call({ code: 33, extFields: { offset: String(Number(`0x${messageIds[1]!.slice(16)}`)) } })
  deepEqual(asked[0]?.body, record.body)
  const nowhere = `${messageIds[0]!.slice(0, 16)}00000000000FFFFF`
  for (const msgId of ['', 'XYZ', nowhere, 'F'.repeat(32)]) equal((await client.request(direct({ msgId }))).code, 1)
  equal((await client.request({ code: 309, extFields: { consumerGroup: 'G' } })).code, 1)
  ok(asked.length === 1)
})

test('nobody to relay to: not online, too old, or gone before the answer', async (t) => {
  const broker = await startWithGroup(t)
  const ask = (clientId: string) => broker.client.request({ code: 307, extFields: { consumerGroup: 'G', clientId } })
  const offline = await ask('c1')
  deepEqual([offline.code, offline.remark], [1, 'The Consumer <G> <c1> not online'])
  const old = await broker.connect()
  await old.call({ ...heartbeatCommand('old', 'G'), version: 61 })
  match((await ask('old')).remark ?? '', /too low to finish/)
  const { consumer } = await joinGroup(broker, 'c1', () => {
    consumer.close()
    return undefined
  })
  const gone = await ask('c1')
  equal(gone.code, 1)
  match(gone.remark ?? '', /invoke consumer <G> <c1> Exception/)
})
