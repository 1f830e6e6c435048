import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_FILTERING_MS } from '../../../lib/broker/pull/pull-reader.ts'
import { SqlFilter } from '../../../lib/filter/index.ts'
import { decodeProperties } from '../../../lib/protocol/properties.ts'
import type { MessageStore } from '../../../lib/store/index.ts'
import type { PullResult } from '../../../lib/store/pull-result.ts'
import { PullStatus } from '../../../lib/store/status.ts'
import { parseRecords } from '../../support/commitlog-reader.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { RawClient, RawCommand, RawReply } from '../../support/raw-client.ts'
import { sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { SQL_FILTERS } from '../support/filters.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'

const SUBSCRIPTION = 4
const SUSPEND = 2
const NO_MATCHED = 20

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
      subscription: 'n > 1',
      subVersion: 0,
      expressionType: 'SQL92',
      ...more,
    }).map(([name, value]) => [name, String(value)]),
  ),
})

const send = (client: RawClient, n: number, bodyBytes = 1, topic = 'Known'): Promise<RawReply> => {
  const body = Buffer.alloc(bodyBytes, 'x')
  return client.call(
    sendV2({ topic, queueId: 0, body, properties: `n\u0001${n}\u0002TAGS\u0001T`, bornTimestampMs: 1 }),
  )
}

const numbers = (reply: RawReply): number[] =>
  parseRecords(reply.body).map(({ properties }) => Number(decodeProperties(properties).get('n')))

test('a pull with an SQL92 filter gets the messages that pass, and goes on behind those that do not', async (t) => {
  const { client, read } = await startSendPullServer(t, { filters: SQL_FILTERS })
  for (const n of [1, 2, 0, 3, 1]) await send(client, n)
  await read('Known', 0)
  const reply = await client.call(pull())
  deepEqual([numbers(reply), reply.remark, reply.extFields.nextBeginOffset], [[2, 3], 'FOUND', '5'])
  const one = await client.call(pull({ maxMsgNums: 1 }))
  deepEqual([numbers(one), one.extFields.nextBeginOffset], [[2], '2'])
  const none = await client.request(pull({ subscription: 'n > 5' }))
  deepEqual([none.code, none.remark, none.extFields.nextBeginOffset], [NO_MATCHED, 'NO_MATCHED_MESSAGE', '5'])
  deepEqual([none.extFields.minOffset, none.extFields.maxOffset], ['0', '5'])
})

test('a message whose evaluation fails in Java does not pass', async (t) => {
  const { client, read } = await startSendPullServer(t, { filters: SQL_FILTERS })
  for (const n of [2, 3]) await send(client, n)
  await read('Known', 0)
  const reply = await client.request(pull({ subscription: 'TAGS > 1' }))
  equal(reply.code, NO_MATCHED)
})

test('one pull looks at 800 messages, as Java does', async (t) => {
  const { client, read } = await startSendPullServer(t, { clock: new ManualClock(), filters: SQL_FILTERS })
  await Promise.all(Array.from({ length: 1000 }, () => send(client, 0)))
  await send(client, 2)
  await read('Known', 0)
  const first = await client.request(pull())
  deepEqual([first.code, first.extFields.nextBeginOffset], [NO_MATCHED, '800'])
  const second = await client.call(pull({ queueOffset: 800 }))
  deepEqual([numbers(second), second.extFields.nextBeginOffset], [[2], '1001'])
})

test('a pull whose filter takes long answers with what it has found so far, or says where to go on', async (t) => {
  const clock = new ManualClock()
  const compiled = new SqlFilter('n > 1')
  const slow = {
    expression: compiled.expression,
    matches: (...properties: Parameters<SqlFilter['matches']>) => {
      clock.advance(MAX_FILTERING_MS / 2)
      return compiled.matches(...properties)
    },
  } as SqlFilter
  const filters = { ...SQL_FILTERS, compile: () => slow }
  const { client, read } = await startSendPullServer(t, { clock, filters })
  for (const n of [0, 1, 2, 3, 0]) await send(client, n)
  await read('Known', 0)
  const answers: unknown[] = []
  for (const queueOffset of [0, 1, 2, 4]) {
    const { code, extFields, ...reply } = await client.request(pull({ queueOffset }))
    answers.push([code, code === 0 ? numbers({ code, extFields, ...reply }) : [], extFields.nextBeginOffset])
  }
  deepEqual(answers, [
    [NO_MATCHED, [], '2'],
    [0, [2], '3'],
    [0, [2, 3], '4'],
    [NO_MATCHED, [], '5'],
  ])
})

test('whatever fits into an answer, pulls that follow each other get each message that passes once', async (t) => {
  const { client, read } = await startSendPullServer(t, { filters: SQL_FILTERS, maxTransferBytes: 2000 })
  const sent = fc.sample(fc.record({ n: fc.nat(3), bytes: fc.constantFrom(1, 300, 900, 1900, 5000) }), 250)
  for (const { n, bytes } of sent) await send(client, n, bytes)
  await read('Known', 0)
  const expected = sent.flatMap(({ n }, queueOffset) => (n > 1 ? [queueOffset] : []))
  for (const maxMsgNums of [1, 3, 32]) {
    const got: number[] = []
    for (let queueOffset = 0; queueOffset < sent.length; ) {
      const reply = await client.request(pull({ queueOffset, maxMsgNums }))
      const records = reply.code === 0 ? parseRecords(reply.body) : []
      equal(records.length <= maxMsgNums && (records.length < 2 || reply.body.length <= 2000), true)
      got.push(...records.map((record) => Number(record.queueOffset)))
      const next = Number(reply.extFields.nextBeginOffset)
      equal(next > queueOffset, true)
      queueOffset = next
    }
    deepEqual(got, expected, `${maxMsgNums} at a time`)
  }
})

/** As the engine does with entries that lead nowhere. */
const leaveOutEveryThird = (records: Buffer, start: number, result: PullResult): void => {
  if (result.status !== PullStatus.FOUND || result.neededBytes > 0) return
  const end = start + result.sizeBytes
  let [to, kept] = [start, 0]
  for (let at = start; at < end; ) {
    const size = records.readInt32BE(at)
    if (records.readBigInt64BE(at + 20) % 3n !== 0n) {
      records.copyWithin(to, at, at + size)
      to += size
      kept += 1
    }
    at += size
  }
  const status = kept === 0 ? PullStatus.MESSAGE_WAS_REMOVING : PullStatus.FOUND
  result.replace(status, result.nextBeginOffset, kept, to - start)
}

test('entries that lead nowhere are passed over, and the messages around them come once', async (t) => {
  const wrapStore = (store: MessageStore): MessageStore =>
    new Proxy(store, {
      get(target, name) {
        if (name !== 'pull') {
          const member = Reflect.get(target, name) as unknown
          return typeof member === 'function' ? member.bind(target) : member
        }
        return (...call: Parameters<MessageStore['pull']>) => {
          target.pull(...call)
          leaveOutEveryThird(call[6], call[7], call[8])
        }
      },
    })
  const options = { filters: SQL_FILTERS, maxTransferBytes: 2000, wrapStore }
  const { client, store } = await startSendPullServer(t, options)
  for (let n = 0; n < 100; n++) await send(client, n, n % 7 === 0 ? 900 : 10)
  await waitFor('the dispatch', () => store.watermarks.dispatched === store.watermarks.appended)
  const got: number[] = []
  for (let queueOffset = 0; queueOffset < 100; ) {
    const reply = await client.request(pull({ queueOffset, maxMsgNums: 5, subscription: 'n > 10' }))
    if (reply.code === 0) got.push(...numbers(reply))
    const next = Number(reply.extFields.nextBeginOffset)
    equal(next > queueOffset, true)
    queueOffset = next
  }
  deepEqual(
    got,
    Array.from({ length: 100 }, (_, n) => n).filter((n) => n > 10 && n % 3 !== 0),
  )
})

test('a waiting pull is answered by a message that passes, not by others', async (t) => {
  const { client, connect, parkedPulls, store } = await startSendPullServer(t, { filters: SQL_FILTERS })
  const waiting = client.call(pull({ sysFlag: SUBSCRIPTION | SUSPEND }))
  await waitFor('the pull to wait', () => parkedPulls() === 1)
  const sender = await connect()
  await send(sender, 0)
  await waitFor('the dispatch', () => store.watermarks.dispatched === store.watermarks.appended)
  await send(sender, 7)
  const reply = await waiting
  deepEqual([numbers(reply), reply.extFields.nextBeginOffset], [[7], '2'])
  sender.close()
})

test('a pull whose filter nothing passed goes on behind what was looked at when its time is up', async (t) => {
  const clock = new ManualClock()
  const { client, connect, parkedPulls, store } = await startSendPullServer(t, { clock, filters: SQL_FILTERS })
  const waiting = client.request(pull({ sysFlag: SUBSCRIPTION | SUSPEND, suspendTimeoutMillis: 2000 }))
  await waitFor('the pull to wait', () => parkedPulls() === 1)
  const sender = await connect()
  await send(sender, 0)
  await waitFor('the dispatch', () => store.watermarks.dispatched === store.watermarks.appended)
  await waitFor('the pull to wait on', () => parkedPulls() === 1)
  clock.advance(2100)
  const reply = await waiting
  deepEqual([reply.code, reply.extFields.nextBeginOffset], [NO_MATCHED, '1'])
  sender.close()
})

test('filters that cannot be are refused with the code and the words of Java', async (t) => {
  const { client } = await startSendPullServer(t, { filters: SQL_FILTERS })
  for (const more of [
    { subscription: '' },
    { subscription: 'n >' },
    { subscription: "n > 'x'" },
    { expressionType: 'CLASS', subscription: 'x' },
    { expressionType: 'TAG', subscription: '||' },
    { expressionType: 'TAG', subscription: '||||' },
  ]) {
    const reply = await client.request(pull(more))
    deepEqual([reply.code, reply.remark], [23, "parse the consumer's subscription failed"], JSON.stringify(more))
  }
})

test('SQL92 filters that are switched off are refused, after what cannot be a filter at all', async (t) => {
  const { client } = await startSendPullServer(t)
  const reply = await client.request(pull({ subscription: 'n >' }))
  deepEqual([reply.code, reply.remark], [1, 'The broker does not support consumer to filter message by SQL92'])
  equal((await client.request(pull({ subscription: '' }))).code, 23)
})

test('tag expressions of blanks have no tag and pass nothing, others are trimmed as Java trims', async (t) => {
  const { client, read } = await startSendPullServer(t)
  await send(client, 1)
  await read('Known', 0)
  const cases: [string, number][] = [
    ['*', 0],
    ['T', 0],
    [' T ', 0],
    ['a||T', 0],
    ['a || \tT\u0001', 0],
    ['||T||', 0],
    ['T|| ||', 0],
    ['t', NO_MATCHED],
    [' ', NO_MATCHED],
    [' || ', NO_MATCHED],
    ['|| ', NO_MATCHED],
    ['* ', NO_MATCHED],
    ['T|a', NO_MATCHED],
    ['\u00a0T', NO_MATCHED],
  ]
  for (const [subscription, code] of cases) {
    const reply = await client.request(pull({ subscription, expressionType: 'TAG' }))
    equal(reply.code, code, JSON.stringify(subscription))
  }
  const { expressionType: _, subscription: __, ...fields } = pull().extFields!
  equal((await client.request({ code: 11, extFields: fields })).code, 0)
})
