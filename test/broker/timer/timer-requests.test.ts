import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeRecallHandle, encodeRecallHandle } from '../../../lib/protocol/recall-handle.ts'
import { ResponseCode } from '../../../lib/protocol/response-codes.ts'
import type { RawReply } from '../../support/raw-client.ts'
import { readQueue, sendBatch, sendV1, sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startTestBroker } from '../support/test-broker.ts'
import { WallClock } from './support/timer-world.ts'

const message = (properties: Readonly<Record<string, string>>, body = 'hello') => ({
  topic: 'T',
  queueId: 1,
  body: Buffer.from(body),
  properties: Object.entries(properties)
    .map(([name, value]) => `${name}\x01${value}`)
    .join('\x02'),
  bornTimestampMs: 1_700_000_000_000,
})

const setUp = async (t: TestContext, properties: Readonly<Record<string, string>> = {}) => {
  const clock = new WallClock()
  const { client } = await startTestBroker(t, { recallMessageEnable: 'true', ...properties }, { clock })
  await client.call(sendV2({ ...message({}), topic: 'T', queueId: 0 }))
  return {
    clock,
    client,
    send: (more: Readonly<Record<string, string>>, body?: string): Promise<RawReply> =>
      client.request(sendV2(message({ UNIQ_KEY: 'id-1', ...more }, body))),
    recall: (recallHandle: string, more: Readonly<Record<string, string>> = {}): Promise<RawReply> =>
      client.request({ code: 370, extFields: { producerGroup: 'PG', topic: 'T', recallHandle, ...more } }),
    /** Bodies in queue 1 of T, once there are so many. */
    delivered: (count: number): Promise<readonly string[]> =>
      waitFor(`${count} messages`, async () => {
        clock.advance(1)
        const found = await readQueue(client, 'T', 1)
        return found.length >= count && found.map(({ body }) => body.toString())
      }),
  }
}

for (const [name, value] of [
  ['TIMER_DELAY_SEC', () => '5'],
  ['TIMER_DELAY_MS', () => '5000'],
  ['TIMER_DELIVER_MS', (nowMs: number) => String(nowMs + 5000)],
] as const) {
  test(`a message with ${name} waits and is delivered to the queue it was sent to`, async (t) => {
    const { send, delivered, client, clock } = await setUp(t)
    const dueMs = clock.nowMs() + 5000
    const answer = await send({ [name]: value(clock.nowMs()) })
    equal(answer.code, ResponseCode.SUCCESS)
    equal(answer.extFields.queueId, '1')
    deepEqual(decodeRecallHandle(answer.extFields.recallHandle!), {
      topic: 'T',
      brokerName: 'broker-a',
      timestamp: String(dueMs),
      messageId: 'id-1',
    })
    equal((await readQueue(client, 'T', 1)).length, 0)
    clock.advance(4999)
    equal((await readQueue(client, 'T', 1)).length, 0)
    deepEqual(await delivered(1), ['hello'])
  })
}

test('an answer to the form of the Go client has the handle too, one to a plain message has none', async (t) => {
  const { client, send } = await setUp(t)
  const answer = await client.call(sendV1(message({ UNIQ_KEY: 'id', TIMER_DELAY_MS: '1000' })))
  ok(answer.extFields.recallHandle)
  equal((await send({})).extFields.recallHandle, undefined)
  equal((await client.call(sendV2(message({ TIMER_DELAY_MS: '1000' })))).extFields.recallHandle, undefined)
})

test('a time that has come needs no waiting', async (t) => {
  const { send, delivered, clock } = await setUp(t)
  await send({ TIMER_DELIVER_MS: String(clock.nowMs()) }, 'a')
  await send({ TIMER_DELAY_SEC: '-3' }, 'b')
  deepEqual(await delivered(2), ['a', 'b'])
})

test('a time that is no number or too far ahead is refused with the code of 5.x', async (t) => {
  const { send, client } = await setUp(t, { timerMaxDelaySec: '3600' })
  for (const [wrong, remark] of [
    [{ TIMER_DELAY_SEC: '3601' }, /should not be bigger than the max delay 3600000ms/],
    [{ TIMER_DELAY_MS: '3600001' }, /max delay/],
    [{ TIMER_DELIVER_MS: '9223372036854775807' }, /max delay/],
    [{ TIMER_DELAY_SEC: '99999999999999999999' }, /TIMER_DELAY_SEC is no number/],
    [{ TIMER_DELAY_MS: 'soon' }, /TIMER_DELAY_MS is no number: soon/],
    [{ TIMER_DELIVER_MS: '1.5' }, /TIMER_DELIVER_MS is no number/],
    [{ TIMER_DELAY_MS: '-1', TIMER_DEL_UNIQKEY: 'T+x' }, /bigger than the current time/],
  ] as const) {
    const answer = await send(wrong)
    equal(answer.code, ResponseCode.MESSAGE_ILLEGAL, JSON.stringify(wrong))
    match(answer.remark ?? '', remark)
  }
  equal((await send({ TIMER_DELAY_SEC: '3600' })).code, ResponseCode.SUCCESS)
  const batch = sendBatch(message({ TIMER_DELAY_SEC: '1' }), [{ body: Buffer.from('x'), properties: '' }])
  equal((await client.request(batch)).code, ResponseCode.MESSAGE_ILLEGAL)
})

test('switched off, a delivery time is refused; full, it is flow control', async (t) => {
  const off = await setUp(t, { timerWheelEnable: 'false' })
  const refused = await off.send({ TIMER_DELAY_SEC: '1' })
  equal(refused.code, ResponseCode.SYSTEM_ERROR)
  match(refused.remark ?? '', /timerWheelEnable is false/)
  const full = await setUp(t, { timerMaxPending: '2' })
  const answer = await waitFor('the limit', async () => {
    const sent = await full.send({ TIMER_DELAY_SEC: '60' })
    return sent.code !== ResponseCode.SUCCESS && sent
  })
  equal(answer.code, ResponseCode.SYSTEM_ERROR)
  match(answer.remark ?? '', /under flow control, max num limit is 2/)
})

test('messages cannot be sent to the timer topic itself', async (t) => {
  const { client } = await setUp(t)
  const answer = await client.request(sendV2({ ...message({}), topic: 'rmq_sys_wheel_timer' }))
  equal(answer.code, ResponseCode.NO_PERMISSION)
})

test('with a coarse precision times are taken up, never down', async (t) => {
  const { send, clock } = await setUp(t, { timerPrecisionMs: '1000' })
  const answer = await send({ TIMER_DELIVER_MS: String(clock.nowMs() + 1001) })
  equal(decodeRecallHandle(answer.extFields.recallHandle!).timestamp, String(clock.nowMs() + 2000))
})

test('a recalled message is not delivered, others of its time are', async (t) => {
  const { send, recall, delivered, clock } = await setUp(t)
  const { recallHandle } = (await send({ TIMER_DELAY_SEC: '5' }, 'a')).extFields
  await send({ TIMER_DELAY_SEC: '5', UNIQ_KEY: 'id-2' }, 'b')
  const answer = await recall(recallHandle!)
  equal(answer.code, ResponseCode.SUCCESS)
  deepEqual({ ...answer.extFields }, { msgId: 'id-1', MSG_REGION: 'DefaultRegion' })
  clock.advance(5000)
  deepEqual(await delivered(1), ['b'])
})

test('recalls are checked as 5.3.3 does', async (t) => {
  const { recall, client, clock } = await setUp(t)
  const later = { topic: 'T', brokerName: 'broker-a', timestamp: String(clock.nowMs() + 1000), messageId: 'id' }
  const handle = (more: Partial<typeof later> = {}) => encodeRecallHandle({ ...later, ...more })
  for (const [text, code, remark, topic = 'T'] of [
    [handle(), 'TOPIC_NOT_EXIST', 'recall failed, the topic[U] not exist', 'U'],
    ['not a handle', 'ILLEGAL_OPERATION', 'recall handle is invalid'],
    ['', 'ILLEGAL_OPERATION', 'recall handle is invalid'],
    [handle({ topic: 'U' }), 'ILLEGAL_OPERATION', 'recall failed, topic not match'],
    [handle({ brokerName: 'b' }), 'ILLEGAL_OPERATION', 'recall failed, broker service not available'],
    [handle({ timestamp: 'x' }), 'ILLEGAL_OPERATION', 'recall failed, timestamp invalid'],
    [handle({ timestamp: String(clock.nowMs()) }), 'ILLEGAL_OPERATION', 'recall failed, timestamp invalid'],
    [handle({ timestamp: '1'.repeat(16) }), 'ILLEGAL_OPERATION', 'recall failed, timestamp invalid'],
  ] as const) {
    const answer = await recall(text, { topic })
    equal(answer.code, ResponseCode[code], remark)
    equal(answer.remark, remark)
  }
  const missing = await client.request({ code: 370, extFields: { topic: 'T' } })
  equal(missing.code, ResponseCode.SYSTEM_ERROR)
  match(missing.remark ?? '', /recallHandle/)
  equal((await client.request({ code: 370, extFields: { topic: 'T', recallHandle: handle() } })).code, 0)
})

test('recalls are refused unless they are allowed, and before sends are taken', async (t) => {
  const forbidden = await setUp(t, { recallMessageEnable: 'false' })
  const answer = await forbidden.recall('x')
  deepEqual([answer.code, answer.remark], [ResponseCode.NO_PERMISSION, 'recall failed, operation is forbidden'])
  const closed = await setUp(t, { allowRecallWhenBrokerNotWriteable: 'false' })
  await closed.client.call({ code: 25, body: Buffer.from('brokerPermission=4\n') })
  equal((await closed.recall('x')).code, ResponseCode.SERVICE_NOT_AVAILABLE)
  const off = await setUp(t, { timerWheelEnable: 'false' })
  deepEqual((await off.recall('x')).remark, 'recall failed, execute error')
})

test('a name that is not ASCII does not hide a delivery time', async (t) => {
  const { send, client } = await setUp(t)
  const answer = await send({ schlüssel: 'wert', TIMER_DELAY_SEC: '5' })
  ok(answer.extFields.recallHandle)
  equal((await readQueue(client, 'T', 1)).length, 0)
})
