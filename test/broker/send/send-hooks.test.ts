import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HookedAnswer, HookedSend, SendHook } from '../../../lib/broker/send/send-hooks.ts'
import { ResponseError } from '../../../lib/net/handler.ts'
import { ResponseCode } from '../../../lib/protocol/response-codes.ts'
import { sendBatch, sendV2 } from '../../support/raw-messages.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'

const message = (topic = 'Known') => ({
  topic,
  queueId: 1,
  body: Buffer.from('hello'),
  properties: 'a\u0001b',
  bornTimestampMs: 1_700_000_000_000,
})

const recorder = () => {
  const sends: HookedSend[] = []
  const answers: [HookedSend, HookedAnswer][] = []
  const hook: SendHook = {
    name: 'recorder',
    before: (send) => void sends.push(send),
    after: (send, answer) => void answers.push([send, answer]),
  }
  return { sends, answers, hook }
}

test('hooks see what is sent and what it is answered', async (t) => {
  const { sends, answers, hook } = recorder()
  const { client } = await startSendPullServer(t, { sendHooks: [hook] })
  await client.call(sendV2(message()))
  await client.request(sendV2(message('no topic')))
  await client.call(sendBatch(message(), [{ body: Buffer.from('x'), properties: '' }]))
  assert.deepEqual(sends[0], {
    producerGroup: 'raw-producers',
    topic: 'Known',
    queueId: 1,
    bornHost: `127.0.0.1:${client.localPort}`,
    bornTimestampMs: 1_700_000_000_000,
    bodyBytes: 5,
    properties: 'a\u0001b',
    isBatch: false,
  })
  const [stored, refused, batch] = answers
  assert.deepEqual(stored, [
    sends[0],
    { code: ResponseCode.SUCCESS, remark: undefined, physicalOffset: 0, queueId: 1, queueOffset: 0 },
  ])
  assert.equal(refused![1].code, ResponseCode.SYSTEM_ERROR)
  assert.match(refused![1].remark!, /illegal characters/)
  assert.equal(refused![1].physicalOffset, undefined)
  assert.deepEqual([batch![0].isBatch, batch![1].queueOffset], [true, 1])
})

test('a hook can refuse a send', async (t) => {
  const hook: SendHook = {
    name: 'gate',
    before({ topic }) {
      if (topic === 'Known') throw new ResponseError('NO_PERMISSION', 'not today')
    },
  }
  const { client, store } = await startSendPullServer(t, { sendHooks: [hook] })
  const answer = await client.request(sendV2(message()))
  assert.deepEqual([answer.code, answer.remark], [ResponseCode.NO_PERMISSION, 'not today'])
  assert.equal(store.watermarks.appended, 0)
})

test('a hook that fails harms no send and no other hook', async (t) => {
  const fails = (): never => {
    throw new Error('broken')
  }
  const { answers, hook } = recorder()
  const { client } = await startSendPullServer(t, {
    sendHooks: [{ name: 'broken', before: fails, after: fails }, hook],
  })
  await client.call(sendV2(message()))
  assert.equal(answers.length, 1)
})

test('under sync flush hooks see the answer when the message is durable', async (t) => {
  const { answers, hook } = recorder()
  const { client, store } = await startSendPullServer(t, { sendHooks: [hook], store: { flush: { mode: 'sync' } } })
  await client.call(sendV2(message()))
  assert.equal(answers[0]![1].code, ResponseCode.SUCCESS)
  assert.ok(store.watermarks.flushed > 0)
})
