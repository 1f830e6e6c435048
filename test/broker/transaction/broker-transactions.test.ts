import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../support/manual-clock.ts'
import type { RawClient, RawCommand, RawReply } from '../../support/raw-client.ts'
import { readQueue, sendBatch, sendV1, sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { testFolder } from '../support/fixtures.ts'
import { startTestBroker } from '../support/test-broker.ts'
import { COMMIT, HALF, ROLLBACK } from '../support/transaction-bench.ts'

const MINUTE = 60_000
const CHECK_TRANSACTION_STATE = 39

const half = (clock: ManualClock, more = '') => ({
  topic: 'Orders',
  queueId: 1,
  body: Buffer.from('order'),
  properties: `TRAN_MSG\u0001true\u0002PGROUP\u0001PG\u0002UNIQ_KEY\u0001U1${more}`,
  bornTimestampMs: clock.nowMs(),
})

const heartbeat = (clientID: string): RawCommand => ({
  code: 34,
  body: Buffer.from(JSON.stringify({ clientID, producerDataSet: [{ groupName: 'PG' }], consumerDataSet: [] })),
})

const end = (half: { queueOffset: string; physicalOffset: string }, way: number): RawCommand => ({
  code: 37,
  extFields: {
    producerGroup: 'PG',
    tranStateTableOffset: half.queueOffset,
    commitLogOffset: half.physicalOffset,
    commitOrRollback: String(way),
    msgId: 'U1',
  },
})

/** What a producer takes from the answer to its send. */
const sent = ({ extFields }: RawReply) => ({
  queueOffset: extFields.queueOffset!,
  physicalOffset: String(BigInt(`0x${extFields.msgId!.slice(16)}`)),
})

const orders = (client: RawClient, atLeast: number) =>
  waitFor('the delivery', async () => {
    const records = await readQueue(client, 'Orders', 1)
    return records.length >= atLeast ? records : undefined
  })

test('a transaction over the wire: the half is hidden, the commit delivers it, WAIT is stored with it', async (t) => {
  const clock = new ManualClock()
  const { client } = await startTestBroker(t, {}, { clock })
  for (const send of [sendV1, sendV2]) {
    const answer = await client.call(send(half(clock, '\u0002WAIT\u0001true')))
    equal(answer.extFields.queueId, '1')
    equal((await client.call(end(sent(answer), COMMIT))).code, 0)
  }
  const records = await orders(client, 2)
  equal(records.length, 2)
  deepEqual(records[0]!.properties.split('\u0002').sort(), [
    'CLUSTER\u0001DefaultCluster',
    'PGROUP\u0001PG',
    'REAL_QID\u00011',
    'REAL_TOPIC\u0001Orders',
    'TRAN_MSG\u0001true',
    'UNIQ_KEY\u0001U1',
    'WAIT\u0001true',
  ])
  const rolledBack = sent(await client.call(sendV2(half(clock))))
  await client.call(end(rolledBack, ROLLBACK))
  equal((await client.request(end(rolledBack, COMMIT))).remark, 'the transaction has already ended')
  equal((await orders(client, 2)).length, 2)
})

test('a delay counts from the commit', async (t) => {
  const clock = new ManualClock()
  const { client } = await startTestBroker(t, {}, { clock })
  const answer = await client.call(sendV2(half(clock, '\u0002DELAY\u00011')))
  equal((await waitFor('the half', () => readQueue(client, HALF, 0).then((halves) => halves[0])))!.queueOffset, 0)
  equal((await client.call(end(sent(answer), COMMIT))).code, 0)
  const delayed = await waitFor(
    'the delayed message',
    async () => (await readQueue(client, 'SCHEDULE_TOPIC_XXXX', 0))[0],
  )
  ok(delayed.properties.includes('REAL_TOPIC\u0001Orders'))
  ok(!delayed.properties.includes('TRAN_MSG'))
  equal((await readQueue(client, 'Orders', 1)).length, 0)
})

test('after a restart another producer of the group is asked, and its answer counts', async (t) => {
  const storePathRootDir = await testFolder(t)
  const clock = new ManualClock()
  const first = await startTestBroker(t, { storePathRootDir }, { clock })
  await first.client.call(sendV2(half(clock)))
  await first.broker.stop()

  const { client, connect } = await startTestBroker(t, { storePathRootDir }, { clock })
  const producer = await connect()
  const questions: RawReply[] = []
  producer.answerer = (request) => void questions.push(request)
  await producer.call(heartbeat('another'))
  clock.advance(MINUTE)
  const question = await waitFor('the question', () => questions[0])
  equal(question.code, CHECK_TRANSACTION_STATE)
  ok((question.flag & 2) !== 0, 'nobody waits for an answer')
  const { tranStateTableOffset, commitLogOffset, msgId, transactionId } = question.extFields
  deepEqual([tranStateTableOffset, msgId, transactionId], ['1', 'U1', 'U1'])
  producer.oneway(end({ queueOffset: tranStateTableOffset!, physicalOffset: commitLogOffset! }, COMMIT))
  const [delivered] = await orders(client, 1)
  ok(delivered!.properties.includes('TRANSACTION_CHECK_TIMES\u00011'))
  equal((await readQueue(client, HALF, 0)).length, 2)
})

test('a half is refused in a batch, and by a broker that takes no transactions', async (t) => {
  const clock = new ManualClock()
  const { client } = await startTestBroker(t, { rejectTransactionMessage: 'true' }, { clock })
  const refused = await client.request(sendV2(half(clock)))
  deepEqual([refused.code, refused.remark], [16, 'the broker[127.0.0.1] sending transaction message is forbidden'])
  const other = await startTestBroker(t, {}, { clock })
  const { body, properties, ...envelope } = half(clock)
  equal((await other.client.request(sendBatch({ ...envelope, properties }, [{ body, properties: '' }]))).code, 13)
})
