import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRecords } from '../../support/commitlog-reader.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { RawClient, RawCommand, RawReply } from '../../support/raw-client.ts'
import { sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'

const SUBSCRIPTION = 4
const SUSPEND = 2
const COMMIT = 1

const pull = (more: Readonly<Record<string, string | number>> = {}): RawCommand => ({
  code: 11,
  extFields: Object.fromEntries(
    Object.entries({
      consumerGroup: 'readers',
      topic: 'Known',
      queueId: 0,
      queueOffset: 0,
      maxMsgNums: 32,
      sysFlag: SUBSCRIPTION,
      commitOffset: 0,
      suspendTimeoutMillis: 15_000,
      subscription: '*',
      subVersion: 0,
      expressionType: 'TAG',
      ...more,
    }).map(([name, value]) => [name, String(value)]),
  ),
})

const send = (client: RawClient, body: string, tag = 'TagA'): Promise<RawReply> =>
  client.call(
    sendV2({ topic: 'Known', queueId: 0, body: Buffer.from(body), properties: `TAGS\u0001${tag}`, bornTimestampMs: 1 }),
  )

const bodies = (reply: RawReply): string[] => parseRecords(reply.body).map((record) => record.body.toString())

test('a pull gives records, where to go on, and the bounds of the queue', async (t) => {
  const { client, read } = await startSendPullServer(t)
  for (const body of ['a', 'b', 'c']) await send(client, body)
  await read('Known', 0)
  const reply = await client.call(pull({ queueOffset: 1, maxMsgNums: 1 }))
  assert.deepEqual(bodies(reply), ['b'])
  assert.equal(reply.remark, 'FOUND')
  assert.deepEqual(reply.extFields, { suggestWhichBrokerId: '0', nextBeginOffset: '2', minOffset: '0', maxOffset: '3' })
})

test('a tag expression passes its tags only, and says where to go on when none passed', async (t) => {
  const { client, read } = await startSendPullServer(t)
  await send(client, 'a', 'TagA')
  await send(client, 'b', 'TagB')
  await send(client, 'c', 'TagC')
  await read('Known', 0)
  assert.deepEqual(bodies(await client.call(pull({ subscription: 'TagA || TagC' }))), ['a', 'c'])
  const none = await client.request(pull({ subscription: 'Other' }))
  assert.deepEqual([none.code, none.remark, none.extFields.nextBeginOffset], [20, 'NO_MATCHED_MESSAGE', '3'])
})

test('a pull at the end of its queue waits and is answered by the next message', async (t) => {
  const { client, connect, parkedPulls } = await startSendPullServer(t)
  const waiting = client.call(pull({ sysFlag: SUBSCRIPTION | SUSPEND }))
  await waitFor('the pull to wait', () => parkedPulls() === 1)
  const sender = await connect()
  await send(sender, 'late')
  assert.deepEqual(bodies(await waiting), ['late'])
  assert.equal(parkedPulls(), 0)
  sender.close()
})

test('messages with other tags do not end the wait of a pull, one with its tag does', async (t) => {
  const { client, connect, parkedPulls, store } = await startSendPullServer(t)
  const waiting = client.call(pull({ sysFlag: SUBSCRIPTION | SUSPEND, subscription: 'TagB' }))
  await waitFor('the pull to wait', () => parkedPulls() === 1)
  const sender = await connect()
  await send(sender, 'a', 'TagA')
  await waitFor('the dispatch', () => store.watermarks.dispatched === store.watermarks.appended)
  await send(sender, 'b', 'TagB')
  const reply = await waiting
  assert.deepEqual(bodies(reply), ['b'])
  assert.equal(reply.extFields.nextBeginOffset, '2')
  sender.close()
})

test('a pull that waited in vain is answered with nothing found when its time is up, not before', async (t) => {
  const clock = new ManualClock()
  const { client, parkedPulls } = await startSendPullServer(t, { clock })
  let answered = false
  const waiting = client.request(pull({ sysFlag: SUBSCRIPTION | SUSPEND, suspendTimeoutMillis: 2000 })).finally(() => {
    answered = true
  })
  await waitFor('the pull to wait', () => parkedPulls() === 1)
  clock.advance(1999)
  await new Promise(setImmediate)
  assert.equal(answered, false)
  clock.advance(101)
  assert.equal((await waiting).code, 19)
  assert.equal(parkedPulls(), 0)
})

test('a pull whose tags did not come by goes on behind what was looked at when its time is up', async (t) => {
  const clock = new ManualClock()
  const { client, connect, parkedPulls, store } = await startSendPullServer(t, { clock })
  const waiting = client.request(
    pull({ sysFlag: SUBSCRIPTION | SUSPEND, suspendTimeoutMillis: 2000, subscription: 'X' }),
  )
  await waitFor('the pull to wait', () => parkedPulls() === 1)
  const sender = await connect()
  await send(sender, 'a')
  await waitFor('the dispatch', () => store.watermarks.dispatched === store.watermarks.appended)
  await waitFor('the pull to wait on', () => parkedPulls() === 1)
  clock.advance(2100)
  const reply = await waiting
  assert.deepEqual([reply.code, reply.extFields.nextBeginOffset], [20, '1'])
  sender.close()
})

test('a pull out of bounds is told where to go on, and the correction is recorded', async (t) => {
  const { client, read } = await startSendPullServer(t)
  await send(client, 'a')
  await read('Known', 0)
  const reply = await client.request(pull({ queueOffset: 100 }))
  assert.deepEqual([reply.code, reply.remark, reply.extFields.nextBeginOffset], [21, 'OFFSET_OVERFLOW_BADLY', '1'])
})

test('an offset that no number holds exactly is as far out of bounds as it looks', async (t) => {
  const { client, read } = await startSendPullServer(t)
  await send(client, 'a')
  await read('Known', 0)
  for (const code of [11, 361]) {
    for (const [queueOffset, remark, next] of [
      ['9223372036854775807', 'OFFSET_OVERFLOW_BADLY', '1'],
      ['9007199254740993', 'OFFSET_OVERFLOW_BADLY', '1'],
      ['-9223372036854775808', 'OFFSET_TOO_SMALL', '0'],
    ] as const) {
      const reply = await client.request({ ...pull({ queueOffset }), code })
      assert.deepEqual([reply.code, reply.remark, reply.extFields.nextBeginOffset], [21, remark, next], queueOffset)
    }
  }
})

test('the offset that comes with a pull is committed when its flag says so', async (t) => {
  const { client, committed } = await startSendPullServer(t)
  await client.request(pull({ commitOffset: 7 }))
  await client.request(pull({ commitOffset: 8, sysFlag: SUBSCRIPTION | COMMIT }))
  assert.deepEqual(committed, [['readers', 'Known', 0, 8]])
})

test('pulls that may not be served are refused with the code Java gives', async (t) => {
  const { client } = await startSendPullServer(t)
  const cases: [Record<string, string | number>, number][] = [
    [{ consumerGroup: 'no-such' }, 26],
    [{ topic: 'Unknown' }, 17],
    [{ topic: '../x' }, 17],
    [{ queueId: 4 }, 1],
    [{ queueId: -1 }, 1],
    [{ sysFlag: 0 }, 24],
    [{ subscription: '||' }, 23],
    [{ expressionType: 'SQL92', subscription: 'a > 1' }, 1],
    [{ queueOffset: 'x' }, 1],
  ]
  for (const [more, code] of cases) {
    assert.equal((await client.request(pull(more))).code, code, JSON.stringify(more))
  }
})

test('a waiting pull gets nothing of a topic that may no longer be read', async (t) => {
  const { client, connect, parkedPulls, topics } = await startSendPullServer(t)
  const sender = await connect()
  const waiting = client.request(pull({ sysFlag: SUBSCRIPTION | SUSPEND }))
  await waitFor('the pull to wait', () => parkedPulls() === 1)
  topics.set('Known', { ...topics.get('Known')!, perm: 2 })
  await send(sender, 'late')
  const { code, remark } = await waiting
  assert.deepEqual([code, remark], [16, 'the topic[Known] pulling message is forbidden'])
  sender.close()
})
