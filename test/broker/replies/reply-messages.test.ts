import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeProperties } from '../../../lib/protocol/properties.ts'
import type { RawCommand, RawReply } from '../../support/raw-client.ts'
import { readQueue } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { heartbeatCommand } from '../support/commands.ts'
import { startTestBroker } from '../support/test-broker.ts'

const REPLY_TOPIC = 'DefaultCluster_REPLY_TOPIC'

const propertiesOf = (to: string | undefined): string =>
  ['MSG_TYPE\u0001reply', 'CORRELATION_ID\u0001c-1', ...(to === undefined ? [] : [`REPLY_TO_CLIENT\u0001${to}`])].join(
    '\u0002',
  )

/** A reply as the Java client sends it; with other fields, or in the long form. */
const replyCommand = (to: string | undefined, more: Record<string, string> = {}): RawCommand => ({
  code: 325,
  extFields: {
    a: 'PG',
    b: REPLY_TOPIC,
    c: 'TBW102',
    d: '4',
    e: '0',
    f: '0',
    g: '1700000000000',
    h: '7',
    i: propertiesOf(to),
    j: '0',
    k: 'false',
    m: 'false',
    ...more,
  },
  body: Buffer.from('answer'),
})

/** A broker with one client that asked for replies; what it is pushed is kept. */
const startWithAsker = async (
  t: TestContext,
  properties: Record<string, string> = {},
  answer: RawCommand | undefined = { code: 0 },
) => {
  const broker = await startTestBroker(t, properties)
  const asker = await broker.connect()
  const pushed: RawReply[] = []
  asker.answerer = (request) => {
    pushed.push(request)
    return answer
  }
  await asker.call(heartbeatCommand('asker'))
  return { ...broker, asker, pushed }
}

test('a reply reaches the client that asked, and is stored', async (t) => {
  const { client, pushed, broker } = await startWithAsker(t)
  const reply = await client.call(replyCommand('asker'))
  const { storeTimestamp, properties, ...fields } = pushed[0]!.extFields
  deepEqual([pushed[0]?.code, pushed[0]?.body.toString()], [326, 'answer'])
  deepEqual(fields, {
    producerGroup: 'PG',
    topic: REPLY_TOPIC,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: '4',
    queueId: '0',
    sysFlag: '0',
    bornTimestamp: '1700000000000',
    flag: '7',
    reconsumeTimes: '0',
    unitMode: 'false',
    bornHost: `127.0.0.1:${client.localPort}`,
    storeHost: broker.address,
  })
  const { PUSH_REPLY_TIME, ...rest } = Object.fromEntries(decodeProperties(properties ?? ''))
  deepEqual(rest, { MSG_TYPE: 'reply', CORRELATION_ID: 'c-1', REPLY_TO_CLIENT: 'asker' })
  equal(PUSH_REPLY_TIME, storeTimestamp)
  const { msgId, ...answered } = reply.extFields
  deepEqual(answered, { queueId: '0', queueOffset: '0', MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' })
  equal((await client.call({ code: 33, extFields: { offset: String(Number(`0x${msgId!.slice(16)}`)) } })).code, 0)
  const stored = await waitFor('the stored reply', async () => {
    const records = await readQueue(client, REPLY_TOPIC, 0)
    return records.length > 0 && records
  })
  deepEqual([stored[0]?.body.toString(), stored.length], ['answer', 1])
})

test('replies under their long field names are carried as well, and on the device when that is promised', async (t) => {
  const { client, pushed } = await startWithAsker(t, { flushDiskType: 'SYNC_FLUSH' })
  const reply = await client.call({
    code: 324,
    extFields: {
      producerGroup: 'PG',
      topic: REPLY_TOPIC,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: '4',
      queueId: '-1',
      sysFlag: '0',
      bornTimestamp: '1',
      flag: '0',
      properties: propertiesOf('asker'),
    },
    body: Buffer.from('answer'),
  })
  deepEqual([reply.extFields.queueId, pushed[0]?.extFields.queueId], ['0', '-1'])
})

test('replies that are not to be stored, from the start or from now on, are only carried', async (t) => {
  const { client } = await startWithAsker(t)
  await client.call({ code: 25, body: Buffer.from('storeReplyMessageEnable=false') })
  const reply = await client.call(replyCommand('asker'))
  deepEqual([reply.extFields.msgId, reply.extFields.queueOffset], ['0', '0'])
  equal((await client.call({ code: 30, extFields: { topic: REPLY_TOPIC, queueId: '0' } })).extFields.offset, '0')
})

test('a reply that nobody takes is stored, and its sender told', async (t) => {
  const { client, asker } = await startWithAsker(t, {}, { code: 1, remark: 'no' })
  const failure = async (to: string | undefined) => {
    const { code, remark, extFields } = await client.request(replyCommand(to))
    ok(extFields.MSG_REGION !== undefined && extFields.msgId !== undefined)
    return [code, remark]
  }
  deepEqual(await failure(undefined), [1, 'reply message properties[REPLY_TO_CLIENT] is null'])
  deepEqual(await failure('other'), [1, 'push reply message fail, channel of <other> not found.'])
  deepEqual(await failure('asker'), [1, 'push reply message to askerfail.'])
  asker.answerer = () => {
    asker.close()
    return undefined
  }
  deepEqual(await failure('asker'), [1, 'push reply message to askerfail.'])
})

test('a reply that could not be sent as a message is refused, with the fields that clients read', async (t) => {
  const { client, pushed } = await startWithAsker(t)
  for (const [more, code] of [
    [{ b: 'SCHEDULE_TOPIC_XXXX' }, 16],
    [{ b: 'no topic' }, 1],
    [{ b: 'Unknown', c: 'Unknown' }, 17],
    [{ e: '99' }, 1],
  ] as const) {
    const reply = await client.request(replyCommand('asker', more))
    deepEqual([reply.code, reply.extFields.TRACE_ON], [code, 'true'])
  }
  const wrong = await client.request(replyCommand('asker', { e: 'first' }))
  equal(wrong.code, 1)
  match(wrong.remark ?? '', /e is no int32/)
  equal(pushed.length, 0)
})
