import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { encodeOffsetMessageId } from '../../../lib/protocol/message-ids.ts'
import { encodeProperties } from '../../../lib/protocol/properties.ts'
import {
  COMMIT,
  GIVEN_UP,
  HALF,
  halfIn,
  OP,
  questionsTo,
  ROLLBACK,
  startTransactionBench,
} from '../support/transaction-bench.ts'

const SUCCESS = 0
const SYSTEM_ERROR = 1
const MINUTE = 60_000

test('a half stands in the half topic with where it belongs, and nowhere else', async (t) => {
  const bench = await startTransactionBench(t)
  bench.sendHalf({ TRANSACTION_CHECK_TIMES: '9', TRAN_PREPARED_QUEUE_OFFSET: '0', TAGS: 'a' }, { sysFlag: 4 | 1 })
  const [half] = await bench.read(HALF)
  deepEqual([half!.queueId, half!.queueOffset, half!.sysFlag], [0, 0, 1])
  deepEqual(Object.fromEntries(half!.properties), {
    ...{ TRAN_MSG: 'true', PGROUP: 'PG', TAGS: 'a', REAL_TOPIC: 'Orders', REAL_QID: '2' },
  })
  deepEqual(await bench.read('Orders', 2), [])
})

test('a message that a consumer of an old client sends back is no half again', async (t) => {
  const bench = await startTransactionBench(t)
  bench.sendHalf({ DELAY: '3' }, { reconsumeTimes: 1, sysFlag: 0 })
  bench.sendHalf({ DELAY: '3' })
  deepEqual([(await bench.read(HALF)).length, (await bench.read('Orders', 2)).length], [1, 1])
  // Given up, it is not delayed any more.
  bench.sendHalf({ DELAY: '0' }, { topic: '%DLQ%G', queueId: 0, reconsumeTimes: 16, sysFlag: 0 })
  deepEqual([(await bench.read(HALF)).length, (await bench.read('%DLQ%G')).length], [1, 1])
})

test('with rejectTransactionMessage no half is taken', async (t) => {
  const bench = await startTransactionBench(t, { rejectTransactionMessage: 'true' })
  throws(() => bench.sendHalf(), {
    code: 'NO_PERMISSION',
    message: 'the broker[127.0.0.1] sending transaction message is forbidden',
  })
  bench.sendHalf({ TRAN_MSG: 'false' }, { sysFlag: 0 })
  equal((await bench.read('Orders', 2)).length, 1)
})

test('a commit delivers the message with the offset of its half, and writes one op message', async (t) => {
  const bench = await startTransactionBench(t)
  bench.sendHalf()
  const half = bench.sendHalf({ KEYS: 'k' }, { reconsumeTimes: 2 })
  equal((await bench.end(half, COMMIT))?.code, SUCCESS)
  const [delivered, ...others] = await bench.read('Orders', 2)
  deepEqual(others, [])
  const { sysFlag, flag, reconsumeTimes, preparedTransactionOffset, body, bornTimestamp } = delivered!
  deepEqual([sysFlag, flag, reconsumeTimes, preparedTransactionOffset], [8, 7, 2, half.physicalOffset])
  deepEqual([body.toString(), bornTimestamp], ['order', bench.clock.nowMs()])
  for (const name of ['TRAN_MSG', 'REAL_TOPIC', 'REAL_QID', 'KEYS']) ok(delivered!.properties.has(name), name)
  const [op] = await bench.read(OP)
  deepEqual([op!.body.toString(), op!.queueId, op!.flag, op!.sysFlag], ['1', 0, 0, 0])
  equal(encodeProperties(op!.properties), 'WAIT\u0001true\u0002TAGS\u0001d')
  equal(op!.bornHost.port, 10_911)
})

test('a rollback delivers nothing', async (t) => {
  const bench = await startTransactionBench(t)
  const half = bench.sendHalf()
  equal((await bench.end(half, ROLLBACK))?.code, SUCCESS)
  deepEqual(await bench.read('Orders', 2), [])
  equal((await bench.read(OP)).length, 1)
})

test('a half ends once: the same end again changes nothing, the other is refused', async (t) => {
  const bench = await startTransactionBench(t)
  const [kept, dropped] = [bench.sendHalf(), bench.sendHalf()]
  await Promise.all([bench.end(kept, COMMIT), bench.end(kept, COMMIT), bench.end(dropped, ROLLBACK)])
  equal((await bench.end(kept, COMMIT))?.code, SUCCESS)
  for (const refused of [await bench.end(kept, ROLLBACK), await bench.end(dropped, COMMIT)]) {
    deepEqual([refused?.code, refused?.remark], [SYSTEM_ERROR, 'the transaction has already ended'])
  }
  deepEqual([(await bench.read('Orders', 2)).length, (await bench.read(OP)).length], [1, 2])
})

test('a state that is not known is not answered and leaves the half open', async (t) => {
  const bench = await startTransactionBench(t)
  const half = bench.sendHalf()
  equal(await bench.end(half, 0), undefined)
  equal(await bench.end(half, 0, { fromTransactionCheck: 'true' }), undefined)
  deepEqual(await bench.read(OP), [])
  equal((await bench.end(half, COMMIT))?.code, SUCCESS)
})

test('an end that does not mean the half it names is refused in the words of RocketMQ', async (t) => {
  const bench = await startTransactionBench(t)
  const half = bench.sendHalf()
  const ordinary = bench.write({ ...bench.message(), topic: 'Orders', sysFlag: 0 })
  const cases: [Record<string, string>, string | RegExp][] = [
    [{ producerGroup: 'Other' }, 'The producer group wrong'],
    [{ tranStateTableOffset: '1' }, 'The transaction state table offset wrong'],
    [{ commitLogOffset: String(ordinary.physicalOffset) }, 'Find prepared transaction message failed'],
    [{ commitLogOffset: '3' }, 'Find prepared transaction message failed'],
    [{ commitLogOffset: '-1' }, 'Find prepared transaction message failed'],
    [{ commitLogOffset: '9223372036854775807' }, 'Find prepared transaction message failed'],
    [{ commitOrRollback: '4' }, 'commitOrRollback field wrong'],
    [{ commitOrRollback: 'x' }, /commitOrRollback/],
    [{ commitLogOffset: '1e3' }, /commitLogOffset/],
  ]
  for (const [fields, remark] of cases) {
    const refused = await bench.end(half, COMMIT, fields)
    equal(refused?.code, SYSTEM_ERROR)
    if (typeof remark === 'string') equal(refused?.remark, remark)
    else match(refused?.remark ?? '', remark)
  }
  match((await bench.request(37, {}))?.remark ?? '', /producerGroup/)
  deepEqual([(await bench.read('Orders', 2)).length, await bench.read(OP)], [1, []])
})

test('a slave ends nothing', async (t) => {
  const bench = await startTransactionBench(t, { brokerRole: 'SLAVE', brokerId: '1' })
  equal((await bench.end(bench.sendHalf(), COMMIT))?.code, 11)
  deepEqual(await bench.read(OP), [])
})

test('a half without a producer group, or without a place to go to, is refused', async (t) => {
  const bench = await startTransactionBench(t)
  const half = (properties: Record<string, string>) =>
    bench.write({ ...bench.message(), topic: HALF, queueId: 0, properties: new Map(Object.entries(properties)) })
  const of = (properties: Record<string, string>) => bench.end(half(properties), COMMIT)
  equal((await of({ REAL_TOPIC: 'T', REAL_QID: '0' }))?.remark, 'The producer group wrong')
  for (const place of [
    {},
    { REAL_TOPIC: 'T' },
    { REAL_TOPIC: '../x', REAL_QID: '0' },
    { REAL_TOPIC: 'T', REAL_QID: '-1' },
  ]) {
    match((await of({ PGROUP: 'PG', ...place }))?.remark ?? '', /which topic and queue/)
  }
})

test('under sync flush an end is answered when it is on the device', async (t) => {
  const bench = await startTransactionBench(t, {}, { flush: { mode: 'sync' } })
  const half = bench.sendHalf()
  equal((await bench.end(half, COMMIT))?.code, SUCCESS)
  equal(bench.store.watermarks.flushed, bench.store.watermarks.appended)
})

test('an end that comes before its half can be read waits for it', async (t) => {
  for (const options of [{ writePath: 'pool' as const }, { flush: { mode: 'sync' as const } }]) {
    const bench = await startTransactionBench(t, {}, options)
    const halves = Array.from({ length: 50 }, () => bench.sendHalf())
    const answers = await Promise.all(halves.map((half) => bench.end(half, COMMIT)))
    ok(answers.every((answer) => answer?.code === SUCCESS))
  }
})

test('a store that takes nothing refuses an end and leaves the half open', async (t) => {
  const bench = await startTransactionBench(t)
  const half = bench.sendHalf()
  const { append } = bench.store
  bench.store.append = (batch) => batch.failAll(6)
  for (const way of [COMMIT, ROLLBACK]) equal((await bench.end(half, way))?.code, 14)
  bench.store.append = append
  equal((await bench.end(half, COMMIT))?.code, SUCCESS)
  equal((await bench.read('Orders', 2)).length, 1)
})

test('a half that was given up can be put back under check by its message id', async (t) => {
  const bench = await startTransactionBench(t, { transactionCheckMax: '1' })
  const producer = bench.connect()
  bench.sendHalf({ KEYS: 'k' })
  for (let round = 0; round < 2; round++) {
    bench.clock.advance(MINUTE)
    await bench.round()
  }
  const [given] = await bench.read(GIVEN_UP)
  equal(given!.properties.get('TRANSACTION_CHECK_TIMES'), '1')
  const host = Buffer.concat([given!.storeHost.bytes, Buffer.alloc(12)])
  host.writeInt32BE(given!.storeHost.port, 4)
  host.writeBigInt64BE(BigInt(given!.physicalOffset), 8)
  equal((await bench.resume(host.toString('hex')))?.code, SUCCESS)
  const resumed = (await bench.read(HALF)).at(-1)!
  deepEqual([resumed.properties.get('TRANSACTION_CHECK_TIMES'), resumed.flag], ['0', 7])
  producer.sent.length = 0
  await bench.round()
  equal(producer.sent.length, 1)
})

test('an end by an earlier name counts for a half that was put back, also after a restart', async (t) => {
  const bench = await startTransactionBench(t, { transactionCheckMax: '1' })
  const producer = bench.connect()
  for (let half = 0; half < 3; half++) await bench.end(bench.sendHalf(), ROLLBACK)
  bench.sendHalf()
  for (let round = 0; round < 2; round++) {
    bench.clock.advance(MINUTE)
    await bench.round()
  }
  const asked = halfIn(questionsTo(producer)[0]!)
  const { storeHost, physicalOffset } = (await bench.read(GIVEN_UP))[0]!
  equal((await bench.resume(encodeOffsetMessageId(storeHost, physicalOffset)))?.code, SUCCESS)
  equal((await bench.end(asked, COMMIT))?.code, SUCCESS)
  await bench.stop()
  await bench.open()
  bench.clock.advance(MINUTE)
  deepEqual(await bench.round(), { checked: 0, postponed: 0, discarded: 0 })
})

test('only halves can be put back under check', async (t) => {
  const bench = await startTransactionBench(t)
  const { physicalOffset } = bench.write({ ...bench.message(), topic: 'Orders' })
  const idOf = (offset: number) => `7F00000100002A9F${offset.toString(16).toUpperCase().padStart(16, '0')}`
  const cases: [string | undefined, RegExp][] = [
    [undefined, /no field msgId/],
    ['', /no message id/],
    ['zz', /no message id/],
    [idOf(7), /there is no message/],
    [idOf(physicalOffset), /no half/],
  ]
  for (const [msgId, why] of cases) {
    const refused = await bench.resume(msgId)
    equal(refused?.code, SYSTEM_ERROR)
    match(refused?.remark ?? '', /^Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC\./)
    match(refused?.remark ?? '', why)
  }
  equal((await bench.read(HALF)).length, 0)
})
