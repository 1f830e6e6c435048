import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Detour } from '../../../lib/broker/messages/detour.ts'
import { withProperties } from '../../../lib/broker/messages/new-message.ts'
import { ResponseError } from '../../../lib/net/handler.ts'
import { topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { ResponseCode } from '../../../lib/protocol/response-codes.ts'
import { sendBatch, sendV2 } from '../../support/raw-messages.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'

const LATER = 'LATER'

const later: Detour = {
  properties: [LATER],
  clientsOnly: false,
  redirect(message) {
    const when = message.properties.get(LATER)
    if (when === undefined || when === 'never') return message
    if (when === 'illegal') throw new ResponseError('MESSAGE_ILLEGAL', 'that late is too late')
    const properties = withProperties(message.properties, { FROM: `${message.topic}/${message.queueId}` }, [LATER])
    return { ...message, topic: 'Later', queueId: 3, properties }
  },
}

const message = (properties: string) => ({
  topic: 'Known',
  queueId: 1,
  body: Buffer.from('hello'),
  properties,
  bornTimestampMs: 1_700_000_000_000,
})

test('a message that a detour takes is stored where it says, and answered for the queue it was sent to', async (t) => {
  const { client, read, topics } = await startSendPullServer(t, { detours: [later] })
  topics.set('Later', topicConfig('Later', { readQueueNums: 4 }))
  await client.call(sendV2(message('A\u00011')))
  const answer = await client.call(sendV2(message('A\u00011\u0002LATER\u00015')))
  assert.equal(answer.extFields.queueId, '1')
  assert.equal(answer.extFields.queueOffset, '0')
  const [stored] = await read('Later', 3)
  assert.equal(stored!.body.toString(), 'hello')
  assert.equal(stored!.bornHost, `7f000001|${client.localPort}`)
  assert.deepEqual(stored!.properties.split('\u0002').sort(), [
    'A\u00011',
    'CLUSTER\u0001DefaultCluster',
    'FROM\u0001Known/1',
  ])
  assert.equal((await read('Known', 1)).length, 1)
})

test('a message that no detour takes is stored where it was sent to, whatever its properties', async (t) => {
  const { client, read } = await startSendPullServer(t, { detours: [later] })
  await client.call(sendV2(message('LATER\u0001never')))
  const [stored] = await read('Known', 1)
  assert.ok(stored!.properties.includes('LATER\u0001never'))
})

test('no property before its own keeps a detour from a message', async (t) => {
  const { client, read, topics } = await startSendPullServer(t, { detours: [later] })
  topics.set('Later', topicConfig('Later', { readQueueNums: 4 }))
  const many = Array.from({ length: 70 }, (_, index) => `n${index}\u00011\u0002`).join('')
  const firsts = ['ключ\u0001x\u0002', many, 'ключ\u0001x\u0002LATER\u0001never\u0002']
  for (const first of firsts) await client.call(sendV2(message(`${first}LATER\u00015`)))
  assert.equal((await read('Later', 3)).length, firsts.length)
  assert.equal((await read('Known', 1)).length, 0)
})

test('what a detour refuses is answered with its code', async (t) => {
  const { client } = await startSendPullServer(t, { detours: [later] })
  const answer = await client.request(sendV2(message('LATER\u0001illegal')))
  assert.equal(answer.code, ResponseCode.MESSAGE_ILLEGAL)
  assert.equal(answer.remark, 'that late is too late')
})

test('a batch that a detour would take is refused, one that it leaves alone is stored', async (t) => {
  const { client, read } = await startSendPullServer(t, { detours: [later] })
  const batch = (properties: string) =>
    client.request(sendBatch({ ...message(properties), queueId: 2 }, [{ body: Buffer.from('x'), properties: '' }]))
  assert.equal((await batch('LATER\u00011')).code, ResponseCode.MESSAGE_ILLEGAL)
  assert.equal((await batch('LATER\u0001never')).code, ResponseCode.SUCCESS)
  assert.equal((await read('Known', 2)).length, 1)
})
