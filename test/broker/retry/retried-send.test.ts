import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import type { RawCommand } from '../../support/raw-client.ts'
import { type RawMessage, sendBatch, sendV1, sendV2 } from '../../support/raw-messages.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'

// Groups of this server allow 3 times.

const message = (more: Partial<RawMessage> = {}): RawMessage => ({
  topic: '%RETRY%G',
  queueId: 0,
  body: Buffer.from('again'),
  properties: 'RETRY_TOPIC\u0001T\u0002WAIT\u0001true',
  bornTimestampMs: 1_700_000_000_000,
  ...more,
})

const withLimit = (command: RawCommand, maxReconsumeTimes: number): RawCommand => ({
  ...command,
  extFields: { ...command.extFields, [command.code === 10 ? 'maxReconsumeTimes' : 'l']: String(maxReconsumeTimes) },
})

test('a message sent to a retry topic stays there until its group has consumed it often enough', async (t) => {
  const { client, read, topics } = await startSendPullServer(t)
  for (const reconsumeTimes of [0, 2, 3]) await client.call(sendV2(message({ reconsumeTimes })))
  deepEqual(
    (await read('%RETRY%G', 0)).map((record) => record.reconsumeTimes),
    [0, 2],
  )
  const [dead] = await read('%DLQ%G', 0)
  equal(dead!.reconsumeTimes, 3)
  deepEqual(dead!.properties.split('\u0002').sort(), ['CLUSTER\u0001DefaultCluster', 'RETRY_TOPIC\u0001T'])
  const { readQueueNums, perm } = topics.get('%DLQ%G')!
  deepEqual([readQueueNums, perm], [1, 6])
})

test('the limit in the request goes before that of the group', async (t) => {
  for (const send of [sendV1, sendV2]) {
    const { client, read } = await startSendPullServer(t)
    await client.call(withLimit(send(message({ reconsumeTimes: 9 })), 10))
    await client.call(withLimit(send(message({ reconsumeTimes: 1 })), 1))
    equal((await read('%RETRY%G', 0)).length, 1)
    equal((await read('%DLQ%G', 0)).length, 1)
  }
})

test('dead letters are not delayed; the answer names the queue that was asked for', async (t) => {
  const { client, read, topics } = await startSendPullServer(t)
  topics.set('%RETRY%G', topicConfig('%RETRY%G', { readQueueNums: 4, writeQueueNums: 4 }))
  const answer = await client.call(
    sendV2(message({ queueId: 3, reconsumeTimes: 3, properties: 'DELAY\u00016\u0002RETRY_TOPIC\u0001T' })),
  )
  deepEqual([answer.extFields.queueId, answer.extFields.queueOffset], ['3', '0'])
  const [dead] = await read('%DLQ%G', 0)
  equal(dead!.properties.includes('DELAY\u00010'), true)
})

test('a retry that the client delays waits with its property WAIT, as in Java', async (t) => {
  const { client, read, topics } = await startSendPullServer(t)
  topics.set('SCHEDULE_TOPIC_XXXX', topicConfig('SCHEDULE_TOPIC_XXXX', { readQueueNums: 18 }))
  await client.call(sendV2(message({ properties: 'DELAY\u00014\u0002RETRY_TOPIC\u0001T\u0002WAIT\u0001true' })))
  const [record] = await read('SCHEDULE_TOPIC_XXXX', 3)
  deepEqual(record!.properties.split('\u0002').sort(), [
    'CLUSTER\u0001DefaultCluster',
    'DELAY\u00014',
    'REAL_QID\u00010',
    'REAL_TOPIC\u0001%RETRY%G',
    'RETRY_TOPIC\u0001T',
    'WAIT\u0001true',
  ])
})

test('without its group nothing goes to a retry topic; a wrong queue is told first', async (t) => {
  const { client, read } = await startSendPullServer(t)
  const unknown = await client.request(sendV2(message({ topic: '%RETRY%no-such' })))
  equal(unknown.code, 26)
  match(unknown.remark ?? '', /^subscription group not exist, no-such/)
  equal(unknown.extFields.MSG_REGION, 'DefaultRegion')
  const wrongQueue = await client.request(sendV2(message({ queueId: 99, reconsumeTimes: 3 })))
  equal(wrongQueue.code, 1)
  equal((await read('%DLQ%G', 0)).length, 0)
})

test('the rule does not count for batches and other topics', async (t) => {
  const { client, read } = await startSendPullServer(t)
  const known = message({ topic: 'Known', reconsumeTimes: 99 })
  await client.call(sendV2(known))
  await client.call(sendV2(known))
  equal((await read('Known', 0)).length, 2)
  await client.call(
    sendBatch(message({ reconsumeTimes: 99, properties: '' }), [{ body: Buffer.from('x'), properties: '' }]),
  )
  equal((await read('%RETRY%G', 0)).length, 1)
})
