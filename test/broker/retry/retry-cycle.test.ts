import { deepEqual, equal, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseJavaJson } from '../../../lib/base/java-json.ts'
import type { LogRecord } from '../../support/commitlog-reader.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { readQueue, sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { testFolder } from '../support/fixtures.ts'
import { startTestBroker } from '../support/test-broker.ts'

const PULL = 11
const SEND_BACK = 36

/** A broker whose time is moved by hand. It starts with the machine's: the store's own times are the machine's. */
const start = async (t: TestContext, storePathRootDir?: string) => {
  const clock = new ManualClock(Date.now())
  const folder = storePathRootDir ?? (await testFolder(t))
  const running = await startTestBroker(t, { storePathRootDir: folder }, { clock, random: () => 0 })
  /** The queue's messages once there are so many; time goes by meanwhile. */
  const arrived = async (topic: string, count: number, queueId = 0): Promise<readonly LogRecord[]> => {
    let records: readonly LogRecord[] = []
    await waitFor(`${count} messages in ${topic}`, async () => {
      clock.advance(250)
      records = await readQueue(running.client, topic, queueId)
      return records.length >= count
    })
    return records
  }
  return { ...running, clock, folder, arrived }
}

const heartbeat = (tags: readonly string[]) => {
  const codeSet = tags.map((tag) => tag.charCodeAt(0))
  const subscription = (topic: string, subString: string, codes: readonly number[]) => ({
    ...{ topic, subString, tagsSet: tags, codeSet: codes, subVersion: 1, expressionType: 'TAG' },
  })
  const consumer = {
    groupName: 'G',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet: [subscription('T', tags.join(' || '), codeSet), subscription('%RETRY%G', '*', [])],
  }
  const body = JSON.stringify({ clientID: 'c', producerDataSet: [], consumerDataSet: [consumer] })
  return { code: 34, body: Buffer.from(body) }
}

/** A pull as the group's consumer makes it, with the subscription of its heartbeat. */
const pull = (client: RawClient, topic: string) =>
  client.request({
    code: PULL,
    extFields: {
      ...{ consumerGroup: 'G', topic, queueId: '0', queueOffset: '0', maxMsgNums: '32', sysFlag: '0' },
      ...{ commitOffset: '0', suspendTimeoutMillis: '0', subVersion: '1' },
    },
  })

const send = (properties: string, topic = 'T') =>
  sendV2({ topic, queueId: 0, body: Buffer.from('hello'), properties, bornTimestampMs: 1_700_000_000_000 })

const sendBack = (record: LogRecord, more: Record<string, string> = {}) => ({
  code: SEND_BACK,
  extFields: { offset: String(record.physicalOffset), group: 'G', delayLevel: '0', originTopic: 'T', ...more },
})

test('a message comes back to its group until the group gives it up', async (t) => {
  const { client, arrived, clock } = await start(t)
  await client.call(heartbeat(['A']))
  await client.call(send('TAGS\u0001A\u0002KEYS\u0001k'))
  let [record] = await arrived('T', 1)
  const limit = { maxReconsumeTimes: '2' }
  await client.call(sendBack(record!, limit))
  equal((await pull(client, '%RETRY%G')).code !== 0, true)
  clock.advance(9_000)
  for (const times of [1, 2]) {
    const retries = await arrived('%RETRY%G', times)
    record = retries.at(-1)!
    equal(record.reconsumeTimes, times)
    // The consumer's own subscription counts: everything in its retry topic, whatever the tag.
    equal((await pull(client, '%RETRY%G')).code, 0)
    ok(record.properties.includes('RETRY_TOPIC\u0001T'))
    await client.call(sendBack(record, limit))
    clock.advance(29_000)
  }
  const [dead] = await arrived('%DLQ%G', 1)
  equal(dead!.reconsumeTimes, 3)
  equal(dead!.body.toString(), 'hello')
  ok(dead!.properties.includes('KEYS\u0001k'))
})

test('a delayed message of a client is delivered to its queue once its time has come', async (t) => {
  const { client, arrived, clock } = await start(t)
  const answer = await client.call(send('DELAY\u00012\u0002TAGS\u0001A'))
  equal(answer.extFields.queueId, '0')
  await arrived('SCHEDULE_TOPIC_XXXX', 1, 1)
  clock.advance(4_000)
  const [record] = await arrived('T', 1)
  equal(record!.bornTimestampMs, 1_700_000_000_000)
})

test('offsets of delayed delivery are answered as they are now, shown to tools, and kept by a restart', async (t) => {
  const first = await start(t)
  const json = async (client: RawClient, code: number) =>
    JSON.parse(JSON.stringify(parseJavaJson((await client.call({ code })).body))) as Record<string, unknown>
  deepEqual(await json(first.client, 45), { offsetTable: {} })
  await first.client.call(send('DELAY\u00011'))
  await first.arrived('T', 1)
  deepEqual(await json(first.client, 45), { offsetTable: { 1: 1 } })
  const info = (await json(first.client, 28)).table as Record<string, string>
  equal(info.scheduleMessageOffset_1, '1,1')
  await first.client.call(send('DELAY\u00011'))
  await first.broker.stop()
  const second = await start(t, first.folder)
  deepEqual(await json(second.client, 45), { offsetTable: { 1: 1 } })
  equal((await second.arrived('T', 2)).length, 2)
})

test('bad fields of a send back are answered with what is wrong', async (t) => {
  const { client } = await start(t)
  const fields = { offset: '0', group: 'G', delayLevel: '0' }
  for (const name of ['offset', 'group', 'delayLevel']) {
    const { [name]: _, ...rest } = fields as Record<string, string>
    const missing = await client.request({ code: SEND_BACK, extFields: rest })
    equal(missing.code, 1)
    ok(missing.remark?.includes(name), missing.remark)
  }
  const wrong: [string, string][] = [
    ['offset', 'x'],
    ['offset', '9223372036854775808'],
    ['delayLevel', '2147483648'],
    ['maxReconsumeTimes', '1.5'],
    ['group', '../../x'],
  ]
  for (const [name, value] of wrong) {
    const refused = await client.request({ code: SEND_BACK, extFields: { ...fields, [name]: value } })
    ok(refused.code !== 0 && refused.remark !== undefined, `${name} ${value}`)
  }
})

test('deliveries and messages sent back are counted where Java counts them', async (t) => {
  const { client, arrived, clock } = await start(t)
  await client.call(heartbeat(['A']))
  await client.call(send('DELAY\u00011'))
  const [record] = await arrived('T', 1)
  await client.call(sendBack(record!, { delayLevel: '1' }))
  await arrived('%RETRY%G', 1)
  clock.advance(60_000)
  const lastMinute = async (statsName: string, statsKey: string) => {
    const { code, body } = await client.request({ code: 315, extFields: { statsName, statsKey } })
    return code === 0 ? JSON.parse(body.toString()).statsMinute.sum : code
  }
  equal(await lastMinute('TOPIC_PUT_NUMS', 'T'), 1)
  equal(await lastMinute('TOPIC_PUT_NUMS', '%RETRY%G'), 1)
  equal(await lastMinute('TOPIC_PUT_NUMS', 'SCHEDULE_TOPIC_XXXX'), 2)
  equal(await lastMinute('GROUP_GET_NUMS', 'SCHEDULE_TOPIC_XXXX@SCHEDULE_CONSUMER'), 2)
  equal(await lastMinute('SNDBCK_PUT_NUMS', 'T@G'), 1)
})
