import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AppendBatch, AppendStatus, type MessageStore } from '../../../lib/store/index.ts'
import { masked } from '../../support/commitlog-reader.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { type RawMessage, readQueue, sendBatch, sendV1, sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'

const message = (more: Partial<RawMessage> = {}): RawMessage => ({
  topic: 'Known',
  queueId: 1,
  body: Buffer.from('hello'),
  properties:
    'KEYS\u0001k1 k2\u0002UNIQ_KEY\u00010A\u0002WAIT\u0001true\u0002TAGS\u0001TagA\u0002note\u0001ünï "q"\\\u0002',
  bornTimestampMs: 1_700_000_000_000,
  flag: 7,
  ...more,
})

test('a message is stored with its fields and answered with its place', async (t) => {
  const { client, read } = await startSendPullServer(t)
  const first = await client.call(sendV2(message()))
  const second = await client.call(sendV2(message()))
  assert.deepEqual(
    [first, second].map(({ extFields }) => extFields),
    [
      {
        MSG_REGION: 'DefaultRegion',
        TRACE_ON: 'true',
        msgId: '7F00000100002A9F0000000000000000',
        queueId: '1',
        queueOffset: '0',
      },
      {
        MSG_REGION: 'DefaultRegion',
        TRACE_ON: 'true',
        msgId: `7F00000100002A9F${first.extFields.msgId === undefined ? '' : second.extFields.msgId!.slice(16)}`,
        queueId: '1',
        queueOffset: '1',
      },
    ],
  )
  const [record] = await read('Known', 1)
  assert.equal(record!.body.toString(), 'hello')
  assert.equal(record!.flag, 7)
  assert.equal(record!.bornTimestampMs, 1_700_000_000_000)
  assert.equal(record!.bornHost, `7f000001|${client.localPort}`)
})

test('WAIT is not stored, CLUSTER is, and text with escapes and umlauts survives', async (t) => {
  const { client, read } = await startSendPullServer(t)
  await client.call(sendV2(message()))
  const [record] = await read('Known', 1)
  const properties = new Map(
    record!.properties.split('\u0002').map((entry) => entry.split('\u0001') as [string, string]),
  )
  assert.deepEqual([...properties].sort(), [
    ['CLUSTER', 'DefaultCluster'],
    ['KEYS', 'k1 k2'],
    ['TAGS', 'TagA'],
    ['UNIQ_KEY', '0A'],
    ['note', 'ünï "q"\\'],
  ])
})

test('the hot path and the generic one store the same bytes', async (t) => {
  const { client, read } = await startSendPullServer(t)
  // The first send of a topic is resolved by the generic handler, the next ones by the hot one; batch=true with an
  // explicit false goes hot as well, an unknown extra field must not matter.
  await client.call(sendV2(message()))
  await client.call(sendV2(message()))
  await client.call(sendV1(message()))
  const records = await read('Known', 1)
  const bytes = records.map((record) => {
    const copy = masked(record)
    copy.fill(0, 20, 36) // queue offset and physical offset
    return copy.toString('hex')
  })
  assert.equal(new Set(bytes).size, 1)
})

test('a topic nobody knows is created from the default topic, or refused', async (t) => {
  const { client, topics } = await startSendPullServer(t)
  await client.call(sendV2(message({ topic: 'Fresh', queueId: 7 })))
  assert.equal(topics.get('Fresh')?.writeQueueNums, 8)
  const request = sendV2(message({ topic: 'Fresh2' }))
  const refused = await client.request({ ...request, extFields: { ...request.extFields, c: 'Other' } })
  assert.equal(refused.code, 17)
})

test('refused sends carry the region and say why', async (t) => {
  const { client, read } = await startSendPullServer(t)
  const cases: [Partial<RawMessage>, number, RegExp][] = [
    [{ queueId: 4 }, 1, /request queueId\[4\] is illegal/],
    [{ topic: '../x' }, 1, /illegal characters/],
    [{ topic: 'x'.repeat(128) }, 1, /longer than/],
    [{ topic: 'a\u0000b' }, 1, /illegal characters/],
    [{ topic: 'SCHEDULE_TOPIC_XXXX' }, 16, /forbidden/],
    [{ properties: 'DELAY\u0001soon\u0002' }, 1, /DELAY is no level: soon/],
    [{ body: Buffer.alloc(64 * 1024 + 1) }, 13, /body length limit 65536B/],
    [{ properties: `p\u0001${'v'.repeat(40_000)}\u0002` }, 13, /properties length limit/],
  ]
  await client.call(sendV2(message()))
  for (const [more, code, remark] of cases) {
    const refused = await client.request(sendV2(message(more)))
    assert.equal(refused.code, code, JSON.stringify(more).slice(0, 80))
    assert.match(refused.remark ?? '', remark)
    assert.equal(refused.extFields.MSG_REGION, 'DefaultRegion')
    assert.equal(refused.extFields.TRACE_ON, 'true')
  }
  assert.equal((await read('Known', 1)).length, 1)
})

test('a header without a required field is answered as such, not stored', async (t) => {
  const { client, read } = await startSendPullServer(t)
  await client.call(sendV2(message()))
  const { extFields, ...request } = sendV2(message())
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    const { [name]: _, ...rest } = extFields!
    const refused = await client.request({ ...request, extFields: rest })
    assert.equal(refused.code, 1, name)
  }
  const invalid = await client.request({ ...request, extFields: { ...extFields, e: '1x' } })
  assert.equal(invalid.code, 1)
  assert.equal((await read('Known', 1)).length, 1)
})

test('a batch is stored as separate messages, each with the properties of the batch', async (t) => {
  const { client, read } = await startSendPullServer(t)
  const messages = ['a', 'b', 'c'].map((body, i) => ({
    body: Buffer.from(body),
    properties: `KEYS\u0001k${i}`,
    flag: i,
  }))
  const reply = await client.call(sendBatch(message({ properties: 'WAIT\u0001true' }), messages))
  assert.equal(reply.extFields.msgId!.split(',').length, 3)
  assert.equal(reply.extFields.queueOffset, '0')
  const records = await read('Known', 1)
  assert.deepEqual(
    records.map(({ body, flag, properties }) => [body.toString(), flag, properties]),
    ['a', 'b', 'c'].map((body, i) => [body, i, `KEYS\u0001k${i}\u0002CLUSTER\u0001DefaultCluster\u0002WAIT\u0001true`]),
  )
})

test('a batch whose lengths are off is refused whole', async (t) => {
  const { client, read } = await startSendPullServer(t)
  const good = sendBatch(message(), [{ body: Buffer.from('a'), properties: '' }])
  for (const body of [
    good.body!.subarray(0, 10),
    Buffer.concat([good.body!, Buffer.from([1, 2, 3])]),
    Buffer.alloc(0),
  ]) {
    const refused = await client.request({ ...good, body })
    assert.notEqual(refused.code, 0)
  }
  assert.equal((await read('Known', 1)).length, 0)
})

test('a queue left open by the producer is chosen by the broker', async (t) => {
  const { client } = await startSendPullServer(t)
  const reply = await client.call(sendV2(message({ queueId: -1 })))
  assert.equal(reply.extFields.queueId, '2')
})

test('a oneway send is stored and not answered', async (t) => {
  const { client } = await startSendPullServer(t)
  client.oneway(sendV2(message()))
  client.oneway(sendV2(message()))
  const answered = await client.call(sendV2(message()))
  assert.equal(answered.extFields.queueOffset, '2')
})

test('under sync flush an answer waits for the flush, and one with WAIT=false does not', async (t) => {
  let release: (() => void) | undefined
  const held = (store: MessageStore): MessageStore =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'requestFlush') {
          return (end: number) => {
            release = () => target.requestFlush(end)
          }
        }
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const { client, store } = await startSendPullServer(t, { store: { flush: { mode: 'sync' } }, wrapStore: held })
  let answered = false
  const waiting = client.call(sendV2(message())).then((reply) => {
    answered = true
    return reply
  })
  await client.call(sendV2(message({ properties: 'WAIT\u0001false' })))
  assert.equal(answered, false)
  release!()
  await waiting
  assert.ok(store.watermarks.flushed > 0)
})

test('a sync that takes longer than the limit is answered as a timeout, never as success', async (t) => {
  const clock = new ManualClock()
  const never = (store: MessageStore): MessageStore =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'requestFlush') return () => undefined
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const { client, store } = await startSendPullServer(t, {
    store: { flush: { mode: 'sync' } },
    wrapStore: never,
    clock,
    syncFlushTimeoutMs: 5000,
  })
  const waiting = client.request(sendV2(message()))
  while (store.watermarks.appended === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  clock.advance(5100)
  assert.equal((await waiting).code, 10)
})

test('a retry topic is made at its first message whatever the default topic says', async (t) => {
  const { client, topics } = await startSendPullServer(t)
  const request = sendV2(message({ topic: '%RETRY%G', queueId: 0 }))
  await client.call({ ...request, extFields: { ...request.extFields, c: 'Other' } })
  assert.equal(topics.get('%RETRY%G')?.writeQueueNums, 1)
})

test('a topic without queues takes no message, also when the broker is to choose the queue', async (t) => {
  const { client } = await startSendPullServer(t)
  const request = sendV2(message({ topic: 'NoQueues', queueId: -1 }))
  const refused = await client.request({ ...request, extFields: { ...request.extFields, d: '0' } })
  assert.deepEqual([refused.code, refused.remark], [1, 'topic[NoQueues] has no queue to write to'])
})

test('a small batch cannot take much memory by properties that every message gets', async (t) => {
  const { client, store } = await startSendPullServer(t)
  const messages = Array.from({ length: 2000 }, () => ({ body: Buffer.from('b'), properties: '' }))
  const refused = await client.request(sendBatch(message({ properties: `p\u0001${'v'.repeat(30_000)}` }), messages))
  assert.equal(refused.code, 13)
  assert.match(refused.remark ?? '', /the batch's properties take 60\d+ bytes/)
  assert.equal(store.watermarks.appended, 0)
})

test('a batch that calls itself part of a transaction is refused', async (t) => {
  const { client } = await startSendPullServer(t)
  const refused = await client.request(sendBatch(message({ sysFlag: 4 }), [message()]))
  assert.equal(refused.code, 13)
})

test('after an append that threw nothing of it is appended with the next one', async (t) => {
  let isBroken = false
  const breakable = (store: MessageStore): MessageStore =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'append' && isBroken) {
          return () => {
            throw new Error('append is broken')
          }
        }
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const { client, connect, store } = await startSendPullServer(t, { wrapStore: breakable })
  await client.call(sendV2(message({ body: Buffer.from('first') })))
  isBroken = true
  await assert.rejects(client.request(sendV2(message({ body: Buffer.from('lost') }))), /closed/)
  isBroken = false
  const other = await connect()
  await other.call(sendV2(message({ body: Buffer.from('next') })))
  await waitFor('the dispatch', () => store.watermarks.dispatched === store.watermarks.appended)
  const records = await readQueue(other, 'Known', 1)
  assert.deepEqual(
    records.map(({ body }) => body.toString()),
    ['first', 'next'],
  )
  other.close()
})

test('a send that finds the memory of the write path full is flow control, and the next one is taken', async (t) => {
  let isFull = true
  const tight = (store: MessageStore): MessageStore =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'append' && isFull) return (batch: AppendBatch) => batch.failAll(AppendStatus.BUSY)
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const { client, store } = await startSendPullServer(t, { wrapStore: tight })
  const { code, remark } = await client.request(sendV2(message()))
  assert.equal(code, 2)
  assert.match(remark!, /^\[REJECTREQUEST\]system busy, start flow control for a while/)
  assert.equal(store.watermarks.appended, 0)
  isFull = false
  assert.equal((await client.call(sendV2(message()))).code, 0)
})

test('sends are refused while the disk is too full, with the cause, and taken again by themselves', async (t) => {
  const { client, store } = await startSendPullServer(t)
  assert.equal((await client.call(sendV2(message()))).code, 0)
  store.setRetention({ minFreeBytes: Number.MAX_SAFE_INTEGER })
  await waitFor('the refusal', () => store.retention.refusal !== '')
  const { code, remark } = await client.request(sendV2(message()))
  assert.equal(code, 14)
  assert.match(remark!, /^service not available now\. .*Cause: STORE_NO_SPACE: disk has \d+ bytes free, limit \d+ \(/)
  store.setRetention({ minFreeBytes: 0 })
  await waitFor('a send that is taken', async () => (await client.request(sendV2(message()))).code === 0)
})
