import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProperties } from '../../../lib/protocol/properties.ts'
import { parseRecords } from '../../support/commitlog-reader.ts'
import type { RawClient, RawCommand, RawReply } from '../../support/raw-client.ts'
import { sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startTestBroker } from '../support/test-broker.ts'

const ON = { enablePropertyFilter: 'true' }
const SQL = { topic: 'T', subString: 'n > 1', expressionType: 'SQL92', subVersion: 5 }

const heartbeat = (...subscriptionDataSet: object[]): RawCommand => ({
  code: 34,
  body: Buffer.from(
    JSON.stringify({
      clientID: 'c',
      producerDataSet: [],
      consumerDataSet: [{ groupName: 'G', messageModel: 'CLUSTERING', subscriptionDataSet }],
    }),
  ),
})

const pull = (topic: string, more: Readonly<Record<string, string>> = {}): RawCommand => ({
  code: 11,
  extFields: {
    consumerGroup: 'G',
    topic,
    queueId: '0',
    queueOffset: '0',
    maxMsgNums: '32',
    sysFlag: '0',
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subVersion: '5',
    ...more,
  },
})

const send = (client: RawClient, topic: string, properties: string): Promise<RawReply> =>
  client.call(sendV2({ topic, queueId: 0, body: Buffer.from('x'), properties, bornTimestampMs: 1 }))

const found = async (client: RawClient, command: RawCommand): Promise<string[]> => {
  const reply = await waitFor('messages', async () => {
    const one = await client.request(command)
    return one.code === 0 ? one : undefined
  })
  return parseRecords(reply.body).map(({ properties }) => decodeProperties(properties).get('n')!)
}

const check = (subscriptionData: object): RawCommand => ({
  code: 46,
  body: Buffer.from(JSON.stringify({ clientId: 'c', group: 'G', subscriptionData })),
})

test('a pull is filtered as the heartbeats of its group say', async (t) => {
  const { client } = await startTestBroker(t, ON)
  await send(client, 'T', 'n\u00011')
  await send(client, 'T', 'n\u00012')
  await client.call(heartbeat(SQL))
  deepEqual(await found(client, pull('T')), ['2'])
})

test('a pull whose filter the broker does not know, or only an older one, is told so', async (t) => {
  const { client } = await startTestBroker(t, ON)
  await send(client, 'T', 'n\u00011')
  const answer = async (subscription: object, subVersion: string): Promise<unknown> => {
    await client.call(heartbeat(subscription))
    const { code, remark } = await client.request(pull('T', { subVersion }))
    return [code, remark]
  }
  const notThere = "The broker's consumer filter data is not exist!Your expression may be wrong!"
  deepEqual(await answer({ ...SQL, subString: 'n >' }, '5'), [27, notThere])
  deepEqual(await answer({ ...SQL, subVersion: 6 }, '7'), [25, "the consumer's subscription not latest"])
  const notLatest = "the consumer's consumer filter data not latest"
  deepEqual(await answer({ ...SQL, subString: '', subVersion: 7 }, '7'), [28, notLatest])
})

test('with enablePropertyFilter off nothing is filtered by properties, and consumers are told', async (t) => {
  const { client } = await startTestBroker(t)
  await send(client, 'T', 'n\u00011')
  await client.call(heartbeat(SQL))
  const remark = 'The broker does not support consumer to filter message by SQL92'
  for (const command of [pull('T'), check(SQL)]) {
    const reply = await client.request(command)
    deepEqual([reply.code, reply.remark], [1, remark])
  }
})

test('a consumer learns whether its expression is one', async (t) => {
  const { client } = await startTestBroker(t, ON)
  equal((await client.request(check(SQL))).code, 0)
  equal((await client.request(check({ ...SQL, expressionType: 'TAG', subString: '(' }))).code, 0)
  for (const changed of [{ subString: 'n >' }, { subString: '' }, { expressionType: 'CLASS' }]) {
    const reply = await client.request(check({ ...SQL, ...changed }))
    equal(reply.code, 23, JSON.stringify(changed))
    match(reply.remark!, /\w+ \w+/)
  }
  equal((await client.request({ code: 46 })).code, 0)
  equal((await client.request({ code: 46, body: Buffer.from('{"group":"G"}') })).code, 0)
  equal((await client.request({ code: 46, body: Buffer.from('nothing') })).code, 1)
})

test('messages to be consumed again pass by the filter of their first topic when filterSupportRetry says so', async (t) => {
  const retry = { topic: '%RETRY%G', subString: '*', expressionType: 'TAG', subVersion: 5 }
  for (const [filterSupportRetry, passing] of [
    ['true', ['2', 'other']],
    ['false', ['1', '2', 'other']],
  ] as const) {
    const { client } = await startTestBroker(t, { ...ON, filterSupportRetry })
    await client.call(heartbeat(SQL, retry))
    for (const [n, topic] of [
      ['1', 'T'],
      ['2', 'T'],
      ['other', 'Other'],
    ] as const) {
      await send(client, '%RETRY%G', `n\u0001${n}\u0002RETRY_TOPIC\u0001${topic}`)
    }
    const properties = await waitFor('all messages', async () => {
      const all = await found(client, pull('%RETRY%G'))
      return all.length === passing.length ? all : undefined
    })
    deepEqual(properties, passing)
  }
})

test('a group that filters by class gets everything: its filter server looks at the messages', async (t) => {
  const { client } = await startTestBroker(t)
  await send(client, 'T', 'n\u00011')
  await client.call(heartbeat({ ...SQL, expressionType: 'TAG', subString: 'a.Filter', classFilterMode: true }))
  equal((await found(client, pull('T'))).length, 1)
})
