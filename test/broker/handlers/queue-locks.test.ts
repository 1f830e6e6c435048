import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { RawCommand } from '../../support/raw-client.ts'
import { json } from '../support/commands.ts'
import { startTestBroker } from '../support/test-broker.ts'

const queue = (topic: string, queueId = 0) => ({ topic, brokerName: 'broker-a', queueId })

const lock = (
  code: number,
  consumerGroup: string,
  mqSet: unknown[],
  more: Record<string, unknown> = {},
): RawCommand => ({
  code,
  body: Buffer.from(JSON.stringify({ consumerGroup, clientId: 'a', mqSet, ...more })),
})

test('what 5.x says of locks in other places is not asked of this broker', async (t) => {
  const { client } = await startTestBroker(t)
  const reply = await client.call(lock(41, 'G', [queue('T')], { onlyThisBroker: true }))
  deepEqual(json(reply), { lockOKMQSet: [queue('T')] })
})

test('a group with a long name locks the queue of its retry topic', async (t) => {
  const { client } = await startTestBroker(t)
  const group = 'g'.repeat(127)
  const retry = queue(`%RETRY%${group}`)
  deepEqual(json(await client.call(lock(41, group, [retry]))), { lockOKMQSet: [retry] })
  equal((await client.request(lock(41, 'G', [retry]))).code, 1)
})

test('locks of what has no valid name, or no body, are refused', async (t) => {
  const { client } = await startTestBroker(t)
  equal((await client.request(lock(41, 'no group', [queue('T')]))).code, 1)
  equal((await client.request(lock(41, 'G', [queue('no topic')]))).code, 1)
  equal((await client.request(lock(41, 'G', ['T']))).code, 1)
  for (const code of [41, 42]) equal((await client.request({ code })).code, 1)
})

test('locks by clients or on brokers with names that are too long to be kept are refused', async (t) => {
  const { client } = await startTestBroker(t)
  const brokerName = 'b'.repeat(256)
  equal((await client.request(lock(41, 'G', [{ ...queue('T'), brokerName }]))).code, 1)
  equal((await client.request(lock(41, 'G', [queue('T')], { clientId: 'c'.repeat(1025) }))).code, 1)
})
