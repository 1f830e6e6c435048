import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type LogRecord, masked, readCommitLog } from '../support/commitlog-reader.ts'
import { startJavaNameServer } from '../support/java-peers.ts'
import type { Peer } from '../support/peer-process.ts'
import { freeBrokerPort } from '../support/ports.ts'
import { type RawClient, type RawCommand, withRawClient } from '../support/raw-client.ts'
import { type RawMessage, readQueue, sendV2 } from '../support/raw-messages.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'
import { brokerUnderTest, javaBroker, type StartBroker } from './support/brokers.ts'
import { removeFolder, skipWithoutJava } from './support/pairs.ts'

const TOPIC = 'RetryBytes'
const GROUP = 'G'
const RETRY = `%RETRY%${GROUP}`
const DEAD = `%DLQ%${GROUP}`
const PROPERTIES = {
  mappedFileSizeCommitLog: '131072',
  messageDelayLevel: '1s 1s 1s 2s',
  autoCreateSubscriptionGroup: 'false',
}

const text = (pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}\u0001${value}`)
    .join('\u0002')

const send = (properties: Readonly<Record<string, string>>, more: Partial<RawMessage> = {}): RawCommand =>
  sendV2({
    topic: TOPIC,
    queueId: 1,
    body: Buffer.from('to be consumed'),
    properties: text({ WAIT: 'true', UNIQ_KEY: '7F0000010000', KEYS: 'k1 k2', TAGS: 'Tag', ...properties }),
    bornTimestampMs: 1_700_000_000_123,
    flag: 5,
    ...more,
  })

const withLimit = (command: RawCommand, limit: number): RawCommand => ({
  ...command,
  extFields: { ...command.extFields, l: String(limit) },
})

const sendBack = (physicalOffset: number, more: Readonly<Record<string, string>> = {}): RawCommand => ({
  code: 36,
  extFields: {
    ...{ offset: String(physicalOffset), group: GROUP, delayLevel: '0' },
    ...{ originMsgId: 'from-the-client', originTopic: TOPIC, unitMode: 'false', ...more },
  },
})

const updateGroup = (groupName: string, more: Readonly<Record<string, unknown>> = {}): RawCommand => ({
  code: 200,
  body: Buffer.from(JSON.stringify({ groupName, retryQueueNums: 1, retryMaxTimes: 16, consumeEnable: true, ...more })),
})

/** Waits until a queue has so many messages and gives the last. */
const lastOf = async (client: RawClient, topic: string, queueId: number, count: number): Promise<LogRecord> => {
  let records: readonly LogRecord[] = []
  await waitFor(`${count} messages in ${topic}`, async () => {
    records = await readQueue(client, topic, queueId)
    return records.length >= count
  })
  return records.at(-1)!
}

/** Each step waits for what it brings about: both brokers write in the same order. Gives what was answered. */
const play = async (client: RawClient): Promise<unknown[]> => {
  const answers: unknown[] = []
  const ask = async (command: RawCommand) => {
    const { code, remark, extFields } = await client.request(command)
    answers.push({ code, remark, queueId: extFields.queueId, queueOffset: extFields.queueOffset })
  }
  await client.call(updateGroup('raw-readers'))
  await client.call(updateGroup(GROUP))
  await client.call(updateGroup('no-retries', { retryQueueNums: 0 }))
  await ask(send({}))
  const first = await lastOf(client, TOPIC, 1, 1)
  await ask(send({ DELAY: '1' }))
  await lastOf(client, TOPIC, 1, 2)
  await ask(send({ DELAY: '99', WAIT: 'false', ...Object.fromEntries(many) }))
  await lastOf(client, TOPIC, 1, 3)
  await ask(sendBack(first.physicalOffset))
  const again = await lastOf(client, RETRY, 0, 1)
  await ask(sendBack(again.physicalOffset))
  const third = await lastOf(client, RETRY, 0, 2)
  await ask(sendBack(third.physicalOffset, { delayLevel: '2', maxReconsumeTimes: '3' }))
  await lastOf(client, RETRY, 0, 3)
  await ask(sendBack(third.physicalOffset, { delayLevel: '-1' }))
  await ask(sendBack(third.physicalOffset, { maxReconsumeTimes: '2' }))
  await lastOf(client, DEAD, 0, 2)
  const retry = { topic: RETRY, queueId: 0, reconsumeTimes: 3 }
  await ask(withLimit(send({ RETRY_TOPIC: TOPIC, DELAY: '1' }, retry), 4))
  await lastOf(client, RETRY, 0, 4)
  await ask(withLimit(send({ RETRY_TOPIC: TOPIC }, retry), 3))
  await lastOf(client, DEAD, 0, 3)
  await ask(sendBack(100_000))
  await ask(sendBack(first.physicalOffset, { group: 'no-such' }))
  await ask(sendBack(first.physicalOffset, { group: 'no-retries' }))
  await ask(send({}, { topic: '%RETRY%no-such', queueId: 0 }))
  return answers
}

/** So many that the order of a larger hash table shows. */
const many = Array.from({ length: 9 }, (_, index) => [`name-${index}`, String(index)] as const)

const comparable = (record: LogRecord) => {
  const { raw, positions, storeTimestampMs, bornHost, body, ...fields } = record
  return { ...fields, bytes: masked(record).toString('hex') }
}

const topicsOf = (storeDir: string) => {
  const file = readFileSync(join(storeDir, 'config', 'topics.json'), 'utf8')
  const table = JSON.parse(file).topicConfigTable as Record<string, unknown>
  return [RETRY, DEAD].map((name) => table[name])
}

describe('retries and delays leave the same bytes in both stores', { skip: skipWithoutJava() }, () => {
  let namesrv: Peer
  const folders: string[] = []
  let java: Awaited<ReturnType<typeof fill>>
  let ours: Awaited<ReturnType<typeof fill>>

  /** On the same port both: message ids name it. */
  const fill = async (start: StartBroker, port: number) => {
    const folder = mkdtempSync(join(tmpdir(), 'apogee-retry-bytes-'))
    folders.push(folder)
    const storeDir = join(folder, 'store')
    const broker = await start({ namesrvAddress: namesrv.address, port, storeDir, properties: PROPERTIES })
    let answers: unknown[] = []
    try {
      const pair = { namesrvAddress: namesrv.address, brokerAddress: broker.address, stop: broker.stop }
      await createTopic(pair, TOPIC, 2)
      await withRawClient(broker.address, async (client) => {
        answers = await play(client)
      })
    } finally {
      await broker.stop()
    }
    const delayOffsets = readFileSync(join(storeDir, 'config', 'delayOffset.json'), 'utf8')
    return { answers, delayOffsets, topics: topicsOf(storeDir), log: readCommitLog(join(storeDir, 'commitlog')) }
  }

  before(async () => {
    namesrv = await startJavaNameServer()
    const port = await freeBrokerPort()
    java = await fill(javaBroker, port)
    ours = await fill(brokerUnderTest, port)
  })
  after(async () => {
    await namesrv?.kill()
    for (const folder of folders) removeFolder(folder)
  })

  test('commit log: every record, delayed, delivered, retried and given up, byte for byte', () => {
    ok(java.log.records.length > 15)
    deepEqual(ours.log.records.map(comparable), java.log.records.map(comparable))
  })

  test('the same answers', () => deepEqual(ours.answers, java.answers))

  test('the same retry and dead-letter topics', () => deepEqual(ours.topics, java.topics))

  test('delayOffset.json is the same text', () => equal(ours.delayOffsets, java.delayOffsets))
})
