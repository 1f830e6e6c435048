import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecord } from '../../../lib/protocol/message-codec.ts'
import { ProtocolError } from '../../../lib/protocol/protocol-error.ts'
import { AppendStatus } from '../../../lib/store/index.ts'
import { waitFor } from '../../support/wait-for.ts'
import {
  COMMIT,
  GIVEN_UP,
  HALF,
  halfIn,
  OP,
  questionsTo,
  ROLLBACK,
  startTransactionBench,
  type TransactionBench,
} from '../support/transaction-bench.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** One interval later. */
const nextRound = (bench: TransactionBench) => {
  bench.clock.advance(MINUTE)
  return bench.round()
}

test('the producer of a half that is over its time is asked, and the half stands behind all others', async (t) => {
  const bench = await startTransactionBench(t)
  const producer = bench.connect()
  bench.connect('Others')
  bench.sendHalf({ UNIQ_KEY: 'U1' }, { reconsumeTimes: 1 })
  deepEqual(await nextRound(bench), { checked: 1, postponed: 0, discarded: 0 })
  const [question, ...more] = questionsTo(producer)
  deepEqual(more, [])
  const copy = (await bench.read(HALF))[1]!
  deepEqual(Object.fromEntries(question!.fields), {
    tranStateTableOffset: '1',
    commitLogOffset: String(copy.physicalOffset),
    msgId: 'U1',
    transactionId: 'U1',
    offsetMsgId: `7F00000100002A9F${copy.physicalOffset.toString(16).toUpperCase().padStart(16, '0')}`,
  })
  const asked = decodeRecord(question!.body)
  deepEqual([asked.topic, asked.queueId, asked.queueOffset, asked.body.toString()], ['Orders', 2, 1, 'order'])
  deepEqual([copy.flag, copy.reconsumeTimes, asked.flag], [7, 1, 7])
  for (const of of [copy, asked]) {
    equal(of.properties.get('TRANSACTION_CHECK_TIMES'), '1')
    equal(of.properties.get('TRAN_PREPARED_QUEUE_OFFSET'), '0')
  }
})

test('a half is left alone until transactionTimeOut, or for as long as it wishes itself', async (t) => {
  const bench = await startTransactionBench(t, { transactionTimeOut: '6000' })
  const producer = bench.connect()
  bench.sendHalf({ CHECK_IMMUNITY_TIME_IN_SECONDS: '100' })
  bench.clock.advance(5000)
  bench.sendHalf()
  bench.clock.advance(5000)
  deepEqual(await bench.round(), { checked: 0, postponed: 1, discarded: 0 })
  bench.clock.advance(1000)
  deepEqual(await bench.round(), { checked: 1, postponed: 1, discarded: 0 })
  equal(questionsTo(producer)[0]!.fields.get('tranStateTableOffset'), '3')
  bench.clock.advance(89_000)
  deepEqual(await bench.round(), { checked: 2, postponed: 0, discarded: 0 })
})

test('a wish that is no number, or -1, counts as the time of the broker', async (t) => {
  const bench = await startTransactionBench(t)
  for (const wish of ['soon', '-1', '9'.repeat(30)]) bench.sendHalf({ CHECK_IMMUNITY_TIME_IN_SECONDS: wish })
  bench.clock.advance(5999)
  deepEqual(await bench.round(), { checked: 0, postponed: 3, discarded: 0 })
  bench.clock.advance(1)
  deepEqual(await bench.round(), { checked: 3, postponed: 0, discarded: 0 })
})

test('postponing a half does not count as asking', async (t) => {
  const bench = await startTransactionBench(t, { transactionCheckMax: '2' })
  bench.sendHalf({ CHECK_IMMUNITY_TIME_IN_SECONDS: '600' })
  for (let round = 0; round < 9; round++) deepEqual(await nextRound(bench), { checked: 0, postponed: 1, discarded: 0 })
  const producer = bench.connect()
  await nextRound(bench)
  equal(questionsTo(producer)[0]!.fields.get('tranStateTableOffset'), '10')
})

test('a half from a clock that is ahead is asked about at once', async (t) => {
  const bench = await startTransactionBench(t)
  bench.sendHalf({}, { bornTimestampMs: bench.clock.nowMs() + HOUR })
  deepEqual(await bench.round(), { checked: 1, postponed: 0, discarded: 0 })
})

test('an answer to a question ends the half for good, also when an earlier answer comes late', async (t) => {
  const bench = await startTransactionBench(t)
  const producer = bench.connect()
  const [late, lost] = [bench.sendHalf(), bench.sendHalf()]
  await nextRound(bench)
  const [first, second] = questionsTo(producer)
  equal((await bench.end(late, COMMIT))?.code, 0)
  equal((await bench.end(halfIn(first!), COMMIT))?.code, 0)
  equal((await bench.end(halfIn(second!), ROLLBACK))?.code, 0)
  match((await bench.end(lost, COMMIT))?.remark ?? '', /already ended/)
  equal((await bench.read('Orders', 2)).length, 1)
  deepEqual(await nextRound(bench), { checked: 0, postponed: 0, discarded: 0 })
  // What is written names the copies: the halves themselves have been passed.
  deepEqual(
    (await bench.read(OP)).map(({ body }) => body.toString()),
    ['2', '3'],
  )
})

test('the producers of a group are asked in turns, those that left are not', async (t) => {
  const bench = await startTransactionBench(t)
  const producers = [bench.connect(), bench.connect(), bench.connect()]
  for (let half = 0; half < 6; half++) bench.sendHalf()
  await nextRound(bench)
  deepEqual(
    producers.map((one) => questionsTo(one).length),
    [2, 2, 2],
  )
  producers[0]!.close()
  await nextRound(bench)
  deepEqual(
    producers.map((one) => questionsTo(one).length),
    [0, 3, 3],
  )
})

test('a half that nobody ended is given up after transactionCheckMax questions', async (t) => {
  const bench = await startTransactionBench(t, { transactionCheckMax: '3' })
  const producer = bench.connect()
  bench.sendHalf({ KEYS: 'k' })
  for (let round = 0; round < 3; round++) equal((await nextRound(bench)).checked, 1)
  deepEqual(await nextRound(bench), { checked: 0, postponed: 0, discarded: 1 })
  deepEqual(await nextRound(bench), { checked: 0, postponed: 0, discarded: 0 })
  const [given] = await bench.read(GIVEN_UP)
  deepEqual([given!.properties.get('TRANSACTION_CHECK_TIMES'), given!.properties.get('REAL_TOPIC')], ['3', 'Orders'])
  equal(bench.topics.get(GIVEN_UP)!.writeQueueNums, 1)
  const last = questionsTo(producer).at(-1)!
  equal((await bench.end(halfIn(last), COMMIT))?.code, 0, 'a producer may still end it')
})

test('a half older than fileReservedTime is asked about once before it is given up', async (t) => {
  const bench = await startTransactionBench(t, { fileReservedTime: '72' })
  const producer = bench.connect()
  bench.sendHalf({ CHECK_IMMUNITY_TIME_IN_SECONDS: '999999' })
  bench.clock.advance(73 * HOUR)
  // A day without a heartbeat: the producer registers again.
  const again = producer.closed ? bench.connect() : producer
  deepEqual(await bench.round(), { checked: 1, postponed: 0, discarded: 0 })
  equal(questionsTo(again).length, 1)
  deepEqual(await nextRound(bench), { checked: 0, postponed: 0, discarded: 1 })
})

test('halves that ended are not looked at, those between them are', async (t) => {
  const bench = await startTransactionBench(t)
  const producer = bench.connect()
  const halves = Array.from({ length: 100 }, () => bench.sendHalf())
  for (const [index, half] of halves.entries()) if (index % 3 !== 0) await bench.end(half, ROLLBACK)
  equal((await nextRound(bench)).checked, 34)
  equal(questionsTo(producer).length, 34)
})

test('one half that cannot be asked about or stored again keeps no other from it', async (t) => {
  const bench = await startTransactionBench(t)
  const producer = bench.connect()
  const room =
    32_767 -
    'TRAN_MSG\u0001true\u0002PGROUP\u0001PG\u0002REAL_TOPIC\u0001Orders\u0002REAL_QID\u00012\u0002x\u0001'.length
  bench.sendHalf({ x: 'y'.repeat(room) })
  const nowhere = bench.sendHalf()
  bench.write({
    ...bench.message(),
    ...{ topic: HALF, queueId: 0, sysFlag: 0, properties: new Map([['PGROUP', 'PG']]) },
  })
  const broken = bench.connect()
  broken.oneway = () => {
    throw new Error('this connection is broken')
  }
  bench.sendHalf()
  deepEqual(await nextRound(bench), { checked: 3, postponed: 0, discarded: 1 })
  ok(bench.log.warnings.some((line) => /could not be asked/.test(line)))
  ok(questionsTo(producer).length > 0)
  equal((await bench.read(GIVEN_UP)).length, 1)
  broken.close()
  await nextRound(bench)
  equal(questionsTo(producer).length, 2)
  equal((await bench.end(nowhere, COMMIT))?.code, 0)
})

test('a half that cannot be read is passed over, and told', async (t) => {
  const bench = await startTransactionBench(t)
  for (let half = 0; half < 5; half++) bench.sendHalf()
  const { ofQueue } = bench.messages
  bench.messages.ofQueue = (topic, queueId, from, maxCount) => {
    if (topic === HALF && from <= 2 && from + maxCount > 2) throw new ProtocolError('RECORD_ILLEGAL', 'damaged')
    return ofQueue.call(bench.messages, topic, queueId, from, maxCount)
  }
  equal((await nextRound(bench)).checked, 4)
  ok(bench.log.warnings.some((line) => /can no longer be read/.test(line)))
})

test('producers that do not read are not asked, and it does not count', async (t) => {
  const bench = await startTransactionBench(t, { transactionCheckMax: '1' })
  const [slow, quick] = [bench.connect(), bench.connect('Quick')]
  slow.backlogBytes = 100_000_000
  bench.sendHalf()
  bench.sendHalf({ PGROUP: 'Quick' })
  deepEqual(await nextRound(bench), { checked: 1, postponed: 1, discarded: 0 })
  deepEqual([slow.sent.length, quick.sent.length], [0, 1])
  slow.backlogBytes = 0
  deepEqual(await nextRound(bench), { checked: 1, postponed: 0, discarded: 1 })
  equal(slow.sent.length, 1)
})

test('a store that takes nothing ends the round, and the next one goes on from there', async (t) => {
  const bench = await startTransactionBench(t)
  const producer = bench.connect()
  for (let half = 0; half < 5; half++) bench.sendHalf()
  const { append } = bench.store
  let left = 2
  bench.store.append = (batch) => (left-- > 0 ? append.call(bench.store, batch) : batch.failAll(AppendStatus.BUSY))
  equal((await nextRound(bench)).checked, 2)
  bench.store.append = append
  const asked = questionsTo(producer).map((question) => decodeRecord(question.body).properties)
  deepEqual(
    asked.map((properties) => properties.get('TRAN_PREPARED_QUEUE_OFFSET')),
    ['0', '1'],
  )
  equal((await bench.round()).checked, 5)
  const rest = questionsTo(producer).map((question) => decodeRecord(question.body).properties)
  deepEqual(
    rest.map((properties) => properties.get('TRAN_PREPARED_QUEUE_OFFSET')),
    ['2', '3', '4', '0', '1'],
  )
})

test('rounds come by themselves, one interval after the one before', async (t) => {
  const bench = await startTransactionBench(t, { transactionCheckInterval: '30000' })
  const { check } = bench.transactions
  const producer = bench.connect()
  bench.sendHalf()
  check.start()
  await bench.dispatched()
  bench.clock.advance(29_999)
  await bench.transactions.ledger.load()
  equal(producer.sent.length, 0)
  bench.clock.advance(1)
  await waitFor('the question', () => producer.sent.length === 1)
  await check.stop()
  const { readQueueNums, writeQueueNums, perm } = bench.topics.get(HALF)!
  deepEqual([readQueueNums, writeQueueNums, perm], [1, 1, 6])
})

test('a round that is stopped ends soon, and no other begins', async (t) => {
  const bench = await startTransactionBench(t)
  const { check } = bench.transactions
  for (let half = 0; half < 200; half++) bench.sendHalf()
  await bench.dispatched()
  check.start()
  bench.clock.advance(MINUTE)
  await check.stop()
  ok((await bench.read(HALF)).length < 400)
  bench.clock.advance(MINUTE)
  await bench.transactions.ledger.load()
  ok((await bench.read(HALF)).length < 400)
})

test('what was not ended before a restart is asked about after it, what was ended is not', async (t) => {
  const bench = await startTransactionBench(t)
  const ended = bench.sendHalf()
  const open = bench.sendHalf()
  await bench.end(ended, COMMIT)
  await bench.stop()
  await bench.open()
  const producer = bench.connect()
  match((await bench.end(ended, ROLLBACK))?.remark ?? '', /already ended/)
  equal((await nextRound(bench)).checked, 1)
  const [question] = questionsTo(producer)
  equal((await bench.end(halfIn(question!), ROLLBACK))?.code, 0)
  match((await bench.end(open, COMMIT))?.remark ?? '', /already ended/)
  await bench.stop()
  await bench.open()
  deepEqual(await nextRound(bench), { checked: 0, postponed: 0, discarded: 0 })
  equal((await bench.read('Orders', 2)).length, 1)
  await bench.stop()
  // The half, the copy and both op messages are passed.
  deepEqual(bench.saved(), [3, 2])
})

test('copies that a crash left behind become one again', async (t) => {
  const bench = await startTransactionBench(t)
  bench.sendHalf()
  await nextRound(bench)
  await bench.crash()
  await bench.open()
  const producer = bench.connect()
  deepEqual(await nextRound(bench), { checked: 1, postponed: 0, discarded: 0 })
  equal(halfIn(questionsTo(producer)[0]!).queueOffset, 2)
  equal((await bench.read(HALF)).length, 3)
})

test('the offset of the op queue stays at the first op whose half was not passed', async (t) => {
  const bench = await startTransactionBench(t)
  const halves = [bench.sendHalf(), bench.sendHalf(), bench.sendHalf()]
  await bench.round()
  bench.clock.advance(6000)
  halves.push(bench.sendHalf())
  for (const index of [0, 3, 1]) await bench.end(halves[index]!, ROLLBACK)
  await bench.round()
  await bench.transactions.ledger.stop()
  // Half 3 ended but is younger than half 2's copy is old: it was passed as well, and so were all op messages.
  deepEqual(bench.saved(), [4, 3])
})

test('offsets beyond their queues are brought back, so that no new half is passed over', async (t) => {
  const bench = await startTransactionBench(t)
  bench.sendHalf()
  for (const topic of [HALF, OP]) bench.offsets.commit('CID_RMQ_SYS_TRANS', topic, 0, 500)
  await bench.crash()
  for (const topic of [HALF, OP]) bench.offsets.commit('CID_RMQ_SYS_TRANS', topic, 0, 500)
  await bench.open()
  equal(bench.log.warnings.filter((line) => /not in its queue/.test(line)).length, 2)
  bench.sendHalf()
  equal((await nextRound(bench)).checked, 1)
})

test('op messages that are none, and those that name several halves, are read as what they are', async (t) => {
  const bench = await startTransactionBench(t)
  for (let half = 0; half < 4; half++) bench.sendHalf()
  const op = (body: string, tag = 'd') =>
    bench.write({
      ...bench.message(),
      ...{ topic: OP, queueId: 0, sysFlag: 0, body: Buffer.from(body), properties: new Map([['TAGS', tag]]) },
    })
  for (const body of ['x', '', '-1', '1.5']) op(body)
  op('0', 'e')
  op('1,3,')
  await bench.crash()
  await bench.open()
  equal((await nextRound(bench)).checked, 2)
  await bench.stop()
  deepEqual(bench.saved(), [4, 6])
})
