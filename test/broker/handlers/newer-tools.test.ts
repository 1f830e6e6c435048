import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { RawCommand } from '../../support/raw-client.ts'
import { commitCommand, heartbeatCommand, json, sendCommand, topicCommand } from '../support/commands.ts'
import { startTestBroker } from '../support/test-broker.ts'

const body = (code: number, value: unknown): RawCommand => ({ code, body: Buffer.from(JSON.stringify(value)) })

test('several topics are made at once, or none when one is not valid', async (t) => {
  const { client } = await startTestBroker(t)
  const topics = (...topicConfigList: Record<string, unknown>[]) => client.request(body(18, { topicConfigList }))
  const config = async (topic: string) => {
    const reply = await client.request({ code: 351, extFields: { topic } })
    return reply.code === 0 ? json(reply) : undefined
  }
  equal((await topics({ topicName: 'A', readQueueNums: 3 }, { topicName: 'no topic' })).code, 29)
  equal((await topics({ topicName: 'A' }, { topicName: 'TBW102' })).code, 29)
  equal(await config('A'), undefined)
  const made = await topics(
    { topicName: 'A', readQueueNums: 3, writeQueueNums: 2, attributes: { '+message.type': 'FIFO' } },
    { topicName: 'B', perm: 4 },
  )
  equal(made.code, 0)
  const [a, b] = [await config('A'), await config('B')]
  deepEqual([a?.readQueueNums, a?.writeQueueNums, a?.attributes], [3, 2, { 'message.type': 'FIFO' }])
  equal(b?.perm, 4)
  await topics({ topicName: 'A', attributes: { '-message.type': '' } })
  equal((await config('A'))?.attributes, undefined)
  equal((await topics({ topicName: 'A', readQueueNums: -1 })).code, 1)
  equal((await client.request({ code: 18, body: Buffer.from('{') })).code, 1)
})

test('attributes of a topic are set, kept and taken away', async (t) => {
  const { client } = await startTestBroker(t)
  const attributes = async (text?: string) => {
    await client.call(topicCommand('T', text === undefined ? {} : { attributes: text }))
    return json(await client.call({ code: 351, extFields: { topic: 'T' } })).attributes
  }
  deepEqual(await attributes('+message.type=NORMAL,+queue.type=SimpleCQ'), {
    'message.type': 'NORMAL',
    'queue.type': 'SimpleCQ',
  })
  deepEqual(await attributes('-queue.type'), { 'message.type': 'NORMAL' })
  deepEqual(await attributes(), { 'message.type': 'NORMAL' })
})

test('several groups are made at once, or none when one is not valid', async (t) => {
  const { client } = await startTestBroker(t)
  const groups = (...groupConfigList: Record<string, unknown>[]) => client.request(body(225, { groupConfigList }))
  const config = (group: string) => client.request({ code: 352, extFields: { group } })
  equal((await groups({ groupName: 'A' }, { groupName: 'no group' })).code, 1)
  equal((await config('A')).code, 26)
  equal((await groups({ groupName: 'A', retryMaxTimes: 3 }, { groupName: 'B' })).code, 0)
  deepEqual([json(await config('A')).retryMaxTimes, json(await config('B')).retryMaxTimes], [3, 16])
})

test('topics and subscriptions of a group are told', async (t) => {
  const { client, broker } = await startTestBroker(t)
  await client.call(sendCommand('T'))
  await client.call(commitCommand('G', 'T', 0, 0))
  const extFields = { group: 'G', topic: 'T' }
  deepEqual(json(await client.call({ code: 343, extFields })), { brokerAddr: broker.address, topicList: ['T'] })
  deepEqual(json(await client.call({ code: 345, extFields })), extFields)
  await client.call(heartbeatCommand('c', 'G'))
  const { subscriptionData } = json<{ subscriptionData: Record<string, unknown> }>(
    await client.call({ code: 345, extFields }),
  )
  equal(subscriptionData.subString, '*')
  equal((await client.request({ code: 345, extFields: { group: 'G' } })).code, 1)
})
