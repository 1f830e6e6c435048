import { deepEqual, equal } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../support/wait-for.ts'
import { commitCommand, heartbeatCommand, json, sendCommand, topicCommand } from '../support/commands.ts'
import { startTestBroker } from '../support/test-broker.ts'

/** Topic T with two queues and three messages in the first. */
const startWithMessages = async (t: TestContext, properties: Record<string, string> = {}) => {
  const test = await startTestBroker(t, properties)
  const { client } = test
  await client.call(topicCommand('T'))
  for (let i = 0; i < 3; i++) await client.call(sendCommand('T', { properties: 'TAGS\u0001TagA' }))
  const bounds = { code: 30, extFields: { topic: 'T', queueId: '0' } }
  await waitFor('dispatch', async () => (await client.call(bounds)).extFields.offset === '3')
  const offsetOf = async (consumerGroup: string, queueId: number): Promise<string | undefined> => {
    const extFields = { consumerGroup, topic: 'T', queueId: String(queueId), setZeroIfNotFound: 'false' }
    return (await client.request({ code: 14, extFields })).extFields.offset
  }
  return { ...test, offsetOf }
}

test('a group takes over the offsets of another, in one topic or in all', async (t) => {
  const { client, offsetOf } = await startWithMessages(t)
  const clone = (extFields: Record<string, string>) => client.request({ code: 314, extFields })
  await client.call(commitCommand('A', 'T', 0, 2))
  await client.call(commitCommand('A', 'T', 1, 0))
  await client.call(commitCommand('B', 'T', 0, 1))
  equal((await clone({ srcGroup: 'A', destGroup: 'B', topic: 'T' })).code, 0)
  deepEqual([await offsetOf('B', 0), await offsetOf('B', 1)], ['2', '0'])
  equal((await clone({ srcGroup: 'A', destGroup: 'C', offline: 'true' })).code, 0)
  equal(await offsetOf('C', 0), '2')
  equal((await clone({ srcGroup: 'Nobody', destGroup: 'A', topic: 'T' })).code, 0)
  equal(await offsetOf('A', 0), '2')
  for (const wrong of [{ srcGroup: 'A', destGroup: 'no group' }, { srcGroup: 'A' }] as Record<string, string>[]) {
    equal((await clone(wrong)).code, 1)
  }
})

test('offsets of a topic that a connected group has given up are not copied unless that is asked for', async (t) => {
  const { client, offsetOf } = await startWithMessages(t)
  await client.call(commitCommand('A', 'T', 0, 2))
  await client.call(heartbeatCommand('c1', 'A', 'Other'))
  const clone = (offline: string) =>
    client.call({ code: 314, extFields: { srcGroup: 'A', destGroup: 'B', topic: 'T', offline } })
  await clone('false')
  equal(await offsetOf('B', 0), undefined)
  await clone('true')
  equal(await offsetOf('B', 0), '2')
})

test('the slowest groups tell how far another has to go back', async (t) => {
  const { client, offsetOf } = await startWithMessages(t)
  for (const [group, offset] of [
    ['A', 1],
    ['B', 2],
    ['C', 3],
  ] as const) {
    await client.call(commitCommand(group, 'T', 0, offset))
  }
  const correction = async (compareGroup: string, filterGroups: string): Promise<string> => {
    const extFields = { compareGroup, filterGroups, topic: 'T' }
    return (await client.call({ code: 308, extFields })).body.toString()
  }
  equal(await correction('C', ''), '{"correctionOffsets":{0:1}}')
  equal(await correction('C', 'A'), '{"correctionOffsets":{0:2}}')
  equal(await correction('A', 'A'), '{"correctionOffsets":{0:9223372036854775807}}')
  equal(await correction('Nobody', 'A,B,C'), '{"correctionOffsets":{}}')
  equal(await offsetOf('A', 0), '1')
  equal((await client.request({ code: 308, extFields: { topic: 'T' } })).code, 1)
})

test('where a group stands is told as times', async (t) => {
  const { client } = await startWithMessages(t)
  await client.call(commitCommand('A', 'T', 0, 2))
  const ask = (topic: string) => client.request({ code: 303, extFields: { topic, group: 'A' } })
  const { consumeTimeSpanSet } = json<{ consumeTimeSpanSet: Record<string, unknown>[] }>(await ask('T'))
  const [first, second] = consumeTimeSpanSet
  deepEqual(first?.messageQueue, { brokerName: 'broker-a', queueId: 0, topic: 'T' })
  const times = [first?.minTimeStamp, first?.consumeTimeStamp, first?.maxTimeStamp].map(Number)
  deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  deepEqual([second?.minTimeStamp, second?.maxTimeStamp, second?.delayTime], [-1, -1, 0])
  equal((await ask('Unknown')).code, 17)
})

test('entries of a queue are shown with what the group would see of them', async (t) => {
  const { client } = await startWithMessages(t, { enableConsumeQueueExt: 'true' })
  const ask = (more: Record<string, string> = {}) =>
    client.request({ code: 321, extFields: { topic: 'T', queueId: '0', index: '1', count: '10', ...more } })
  const seen = json<{ queueData: Record<string, unknown>[]; maxQueueIndex: number }>(await ask())
  deepEqual([seen.queueData.length, seen.maxQueueIndex, seen.queueData[0]?.tagsCode], [2, 3, 2_598_919])
  const offline = json(await ask({ consumerGroup: 'A', count: '1' }))
  equal(offline.filterData, 'A@T is not online!')
  await client.call(heartbeatCommand('c1', 'A'))
  const online = json<{ queueData: Record<string, unknown>[]; subscriptionData: Record<string, unknown> }>(
    await ask({ consumerGroup: 'A', count: '1' }),
  )
  deepEqual([online.subscriptionData.subString, online.queueData.map((entry) => entry.eval)], ['*', [true]])
  const outside = await ask({ index: '7' })
  deepEqual([outside.code, outside.remark], [0, 'Index 7 of 0@T is not exist!'])
  for (const none of [{ index: '-1' }, { count: '0' }, { count: '-5' }]) {
    deepEqual(json<{ queueData: unknown[] }>(await ask(none)).queueData, [])
  }
  const unknown = await ask({ topic: 'Unknown' })
  deepEqual([unknown.code, unknown.remark], [1, '0@Unknown is not exist!'])
  equal((await ask({ queueId: '99' })).code, 1)
  equal((await ask({ index: 'first' })).code, 1)
})

test('queues of topics that no longer exist are removed, those of others stay', async (t) => {
  const { client, broker } = await startWithMessages(t)
  const stored = `${broker.storeDir}/consumequeue`
  const { existsSync } = await import('node:fs')
  const { writeFile, readFile } = await import('node:fs/promises')
  await client.call(sendCommand('Gone'))
  await waitFor('the queue', () => existsSync(`${stored}/Gone`))
  await broker.stop()
  const file = `${broker.storeDir}/config/topics.json`
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('"Gone"', '"Kept"'))
  const again = await startTestBroker(t, { storePathRootDir: broker.storeDir })
  await again.client.call({ code: 306 })
  equal(existsSync(`${stored}/Gone`), true)
  await again.client.call({ code: 316 })
  deepEqual([existsSync(`${stored}/Gone`), existsSync(`${stored}/T`)], [false, true])
})

test('access control that is off is told as refusals of a change', async (t) => {
  const { client } = await startTestBroker(t)
  const codeOf = async (code: number, extFields: Record<string, string>) =>
    (await client.request({ code, extFields })).code
  const account = { accessKey: 'user-1', secretKey: 'secret-1', admin: 'false' }
  deepEqual(
    [
      await codeOf(50, account),
      await codeOf(51, account),
      await codeOf(52, {}),
      await codeOf(53, { globalWhiteAddrs: '*' }),
    ],
    [209, 210, 1, 211],
  )
})

test('offsets go with their topic', async (t) => {
  const { client, offsetOf } = await startWithMessages(t)
  await client.call(commitCommand('A', 'T', 0, 2))
  await client.call({ code: 215, extFields: { topic: 'T' } })
  equal(await offsetOf('A', 0), undefined)
})

test('the SQL filter of a group is told with the entries of its queue', async (t) => {
  const { client } = await startWithMessages(t, { enablePropertyFilter: 'true' })
  const heartbeat = heartbeatCommand('c1', 'A')
  const body = heartbeat.body?.toString().replace('"*"', '"a > 1"').replace('TAG', 'SQL92')
  await client.call({ ...heartbeat, body: Buffer.from(body ?? '') })
  const extFields = { topic: 'T', queueId: '0', index: '0', count: '1', consumerGroup: 'A' }
  const { filterData } = json<{ filterData: string }>(await client.call({ code: 321, extFields }))
  const filter = JSON.parse(filterData) as Record<string, unknown>
  deepEqual([filter.expression, filter.expressionType, filter.dead], ['a > 1', 'SQL92', false])
})
