import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type LogRecord, masked, parseRecords, readCommitLog } from '../support/commitlog-reader.ts'
import { startJavaNameServer } from '../support/java-peers.ts'
import { hasIpv6Loopback } from '../support/loopback.ts'
import type { Peer } from '../support/peer-process.ts'
import { type RawClient, splitAddress, withRawClient } from '../support/raw-client.ts'
import { readQueue, sendBatch, sendV1, sendV2 } from '../support/raw-messages.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'
import { brokerUnderTest, javaBroker, type StartBroker } from './support/brokers.ts'
import { readIndexFiles } from './support/index-reader.ts'
import { bodyOf } from './support/messages.ts'
import { type BrokerProperties, removeFolder, skipWithoutJava } from './support/pairs.ts'

const TOPICS = ['SameBytes', 'same_bytes-2']
const QUEUES = 4
const QUERY_MESSAGE = 12
const LAST_KEY = 'the-last-key'
const BORN_TIMESTAMP_MS = 1_700_000_000_123
const SLOTS = 50
/** A broker listens on all of them, whichever of them it advertises. */
const HOSTS = hasIpv6Loopback() ? ['127.0.0.1', '::1'] : ['127.0.0.1']

const PROPERTIES: BrokerProperties = {
  mappedFileSizeCommitLog: '131072',
  mappedFileSizeConsumeQueue: '600',
  maxHashSlotNum: String(SLOTS),
  maxIndexNum: '120',
}

const join12 = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map(([name, value]) => `${name}\u0001${value}`).join('\u0002')

const uniqKey = (index: number): string => index.toString(16).toUpperCase().padStart(32, '7F000001')

/** Properties in the forms that clients send and in some that they should not. */
const propertyTexts = (index: number): readonly string[] => {
  const usual = [
    ['KEYS', `key-${index} second-${index % 7}`],
    ['UNIQ_KEY', uniqKey(index)],
    ['WAIT', 'true'],
    ['TAGS', `Tag${index % 3}`],
  ] as const
  const many = Array.from({ length: 3 + index * 4 }, (_, each) => [`name-${each}`, `value ${each * index}`] as const)
  return [
    '',
    join12(usual),
    `${join12(usual)}\u0002`,
    join12([...usual.slice(0, 2), ['WAIT', 'false']]),
    join12([...many, ...usual]),
    join12([
      ['TAGS', 'grün ✓ 😀'],
      ['größe', 'ä😀'],
      ['Aa', '1'],
      ['BB', '2'],
      ['AaBB', '3'],
      ['BBAa', '4'],
    ]),
    `empty\u0001\u0002${join12(usual)}`,
    `${join12(usual)}\u0002noSeparator\u0002a\u0001b\u0002KEYS\u0001again-${index}`,
    join12([['CLUSTER', 'from-the-client'], ...usual]),
    join12([['with\u0001separator', 'in\u0001value'], ...usual]),
    '\u0002\u0002x\u0001y',
  ]
}

const requests = () => {
  const envelope = { topic: TOPICS[1]!, queueId: 2, bornTimestampMs: BORN_TIMESTAMP_MS }
  const commands = [0, 1, 5, 11].flatMap((round) =>
    propertyTexts(round).map((properties, index) => {
      const message = {
        topic: TOPICS[index % 2]!,
        queueId: (index + round) % QUEUES,
        body: bodyOf(`${round}/${index}`, 1 + ((index * 977 + round * 311) % 9000)),
        properties,
        flag: [0, 1, -1, 0x7fffffff][index % 4]!,
        sysFlag: [0, 0, 1, 2][(index + round) % 4]!,
        reconsumeTimes: index % 3,
        bornTimestampMs: BORN_TIMESTAMP_MS + index,
      }
      return index % 2 === 0 ? sendV2(message) : sendV1(message)
    }),
  )
  const entries = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      body: bodyOf(`batch ${index}`, index * 13),
      properties: join12([
        ['UNIQ_KEY', uniqKey(1000 + index)],
        ['TAGS', `B${index % 2}`],
        ['KEYS', `batch-${index}`],
      ]),
      flag: index,
    }))
  const last = join12([
    ['KEYS', LAST_KEY],
    ['UNIQ_KEY', uniqKey(9999)],
  ])
  return [
    ...commands,
    sendBatch({ ...envelope, properties: '' }, entries(10)),
    sendBatch(
      {
        ...envelope,
        properties: join12([
          ['WAIT', 'true'],
          ['shared', 'by all'],
        ]),
      },
      entries(40),
    ),
    sendBatch({ ...envelope, properties: '' }, [{ body: bodyOf('bare', 5), properties: '' }]),
    sendV2({ ...envelope, body: Buffer.from([0]), properties: last }),
  ]
}

/** Each host's client ends with the same key: all of them are there when the last message is in the index. */
const dispatched = (client: RawClient) =>
  waitFor('the last message of every client in the index', async () => {
    const within = { beginTimestamp: '0', endTimestamp: String(Date.now() + 60_000) }
    const extFields = { topic: TOPICS[1]!, key: LAST_KEY, maxNum: '8', ...within }
    const reply = await client.request({ code: QUERY_MESSAGE, extFields })
    return reply.code === 0 && parseRecords(reply.body).length === HOSTS.length
  })

/** The fields first, so that a difference is told by name; then all bytes that can be equal. */
const comparable = (record: LogRecord) => {
  const { raw, positions, storeTimestampMs, storeHost, bornHost, body, ...fields } = record
  return {
    ...fields,
    bornIp: bornHost.split('|')[0],
    storeIp: storeHost.split('|')[0],
    bytes: masked(record).toString('hex'),
  }
}

const readJson = (file: string): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8'))

/** Without the two topics that the Java broker adds when it first looks for open transactions, at the latest when it stops. */
const topicsOf = (storeDir: string) => {
  const table = readJson(join(storeDir, 'config', 'topics.json')).topicConfigTable as Record<string, unknown>
  return Object.fromEntries(Object.entries(table).filter(([name]) => !name.startsWith('RMQ_SYS_TRANS_')))
}

/** Everything of a store directory that the same requests must leave in the same form. */
const content = (storeDir: string) => {
  const queueFiles = readdirSync(join(storeDir, 'consumequeue'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  return {
    log: readCommitLog(join(storeDir, 'commitlog')),
    queues: Object.fromEntries(
      queueFiles.map((file) => [file.slice(storeDir.length), readFileSync(file).toString('hex')]),
    ),
    index: readIndexFiles(join(storeDir, 'index'), SLOTS),
    topics: topicsOf(storeDir),
    groups: readJson(join(storeDir, 'config', 'subscriptionGroup.json')).subscriptionGroupTable,
  }
}

describe('the same requests leave the same bytes in both stores', { skip: skipWithoutJava() }, () => {
  let namesrv: Peer
  const folders: string[] = []
  const bornPorts = new Map<string, number>()

  /** Sends the same requests, over IPv4 and then over IPv6 (where there is any), to a broker with the given address. */
  const fill = async (start: StartBroker, brokerIP1: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'apogee-same-bytes-'))
    folders.push(folder)
    const storeDir = join(folder, 'store')
    const broker = await start({ namesrvAddress: namesrv.address, storeDir, properties: { ...PROPERTIES, brokerIP1 } })
    try {
      const { port } = splitAddress(broker.address)
      const pair = { namesrvAddress: namesrv.address, brokerAddress: broker.address, stop: broker.stop }
      for (const topic of TOPICS) await createTopic(pair, topic, QUEUES)
      for (const host of HOSTS) {
        await withRawClient(`${host}:${port}`, async (client) => {
          for (const request of requests()) await client.call(request)
          bornPorts.set(`${storeDir} ${host}`, client.localPort)
        })
      }
      await withRawClient(broker.address, async (client) => {
        await dispatched(client)
        // Queues are built before the index. Reading creates the group, so that there is a file of groups.
        ok((await readQueue(client, TOPICS[1]!, 2)).length > 100)
      })
    } finally {
      await broker.stop()
    }
    return { storeDir, ...content(storeDir) }
  }

  before(async () => {
    namesrv = await startJavaNameServer()
  })
  after(async () => {
    await namesrv?.kill()
    for (const folder of folders) removeFolder(folder)
  })

  for (const brokerIP1 of HOSTS) {
    describe(`broker address ${brokerIP1}`, () => {
      let java: Awaited<ReturnType<typeof fill>>
      let ours: Awaited<ReturnType<typeof fill>>
      before(async () => {
        java = await fill(javaBroker, brokerIP1)
        ours = await fill(brokerUnderTest, brokerIP1)
      })

      test('commit log: every record, byte for byte, and the filler at the ends of segments', () => {
        equal(ours.log.records.length, java.log.records.length)
        ok(java.log.blanks.length > 1 && java.index.length > 1, 'segments and index files have rolled over')
        for (const [index, record] of java.log.records.entries()) {
          const own = ours.log.records[index]!
          deepEqual(comparable(own), comparable(record))
        }
        deepEqual(ours.log.blanks, java.log.blanks)
      })

      test('commit log: the born host is the address and port of the client, in both', () => {
        for (const { storeDir, log } of [java, ours]) {
          const ports = new Set(log.records.map((record) => Number(record.bornHost.split('|')[1])))
          deepEqual(ports, new Set(HOSTS.map((host) => bornPorts.get(`${storeDir} ${host}`))))
        }
      })

      test('consume queues: every file, byte for byte', () => {
        ok(Object.keys(java.queues).length > TOPICS.length * QUEUES, 'queue files have rolled over')
        deepEqual(ours.queues, java.queues)
      })

      test('index: headers, slots and items, times aside', () => deepEqual(ours.index, java.index))

      test('config: the same topics and the same groups', () => {
        deepEqual(ours.topics, java.topics)
        deepEqual(ours.groups, java.groups)
      })
    })
  }
})
