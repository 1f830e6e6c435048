import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dumpStore, rebuildStore, statStore, verifyStore } from '../../lib/store/inspect/index.ts'
import { readCommitLog } from '../support/commitlog-reader.ts'
import { startJavaNameServer } from '../support/java-peers.ts'
import type { Peer } from '../support/peer-process.ts'
import { withRawClient } from '../support/raw-client.ts'
import { readQueue, sendV2 } from '../support/raw-messages.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'
import { javaBroker } from './support/brokers.ts'
import { bodyOf } from './support/messages.ts'
import { removeFolder, skipWithoutJava } from './support/pairs.ts'

const TOPIC = 'Inspected'
const QUEUES = 4
const MESSAGES = 300
const PROPERTIES = {
  mappedFileSizeCommitLog: '65536',
  mappedFileSizeConsumeQueue: '600',
  maxHashSlotNum: '100',
  maxIndexNum: '400',
}

const propertiesOf = (n: number): string =>
  [`KEYS\u0001key-${n} all`, `UNIQ_KEY\u0001${String(n).padStart(32, '0')}`, `TAGS\u0001Tag${n % 3} grün`].join(
    '\u0002',
  )

/** Content of every file below a directory, in hex, by its path in it. */
const contentsOf = (dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(dir.length), readFileSync(path).toString('hex')]),
  )

const queueBodies = (address: string): Promise<string[][]> =>
  withRawClient(address, (client) =>
    Promise.all(
      Array.from({ length: QUEUES }, async (_, queueId) =>
        (await readQueue(client, TOPIC, queueId)).map(({ body }) => body.toString('hex')),
      ),
    ),
  )

describe('the store tools on a directory that the Java broker 4.9.7 wrote', { skip: skipWithoutJava() }, () => {
  let namesrv: Peer
  const folders: string[] = []

  /** A directory with {@link MESSAGES} messages, left by a clean stop or kill -9, and what its broker gave to readers. */
  const fill = async (end: 'stop' | 'kill') => {
    const folder = mkdtempSync(join(tmpdir(), 'apogee-store-tools-'))
    folders.push(folder)
    const storeDir = join(folder, 'store')
    const broker = await javaBroker({ namesrvAddress: namesrv.address, storeDir, properties: PROPERTIES })
    try {
      const pair = { namesrvAddress: namesrv.address, brokerAddress: broker.address, stop: broker.stop }
      await createTopic(pair, TOPIC, QUEUES)
      await withRawClient(broker.address, async (client) => {
        for (let n = 0; n < MESSAGES; n++) {
          const body = bodyOf(`message ${n}`, 1 + ((n * 977) % 3000))
          const bornTimestampMs = 1_700_000_000_000 + n
          const message = { topic: TOPIC, queueId: n % QUEUES, body, properties: propertiesOf(n), bornTimestampMs }
          await client.call(sendV2(message))
        }
      })
      const bodies = await waitFor('every message in its queue', async () => {
        const found = await queueBodies(broker.address)
        return found.flat().length === MESSAGES ? found : undefined
      })
      return { storeDir, bodies }
    } finally {
      await broker[end]()
    }
  }

  before(async () => {
    namesrv = await startJavaNameServer()
  })
  after(async () => {
    await namesrv?.kill()
    for (const folder of folders) removeFolder(folder)
  })

  test('stat, verify and dump find what was sent, and rebuild gives the same queues, which Java opens', async () => {
    const { storeDir, bodies } = await fill('stop')
    const { records } = readCommitLog(join(storeDir, 'commitlog'))
    const stat = statStore(storeDir)
    equal(stat.topics.find(({ topic }) => topic === TOPIC)?.messages, MESSAGES)
    equal(stat.lastStoreTimestamp, records.at(-1)!.storeTimestampMs)
    equal(stat.wasClosed, true)

    const report = verifyStore(storeDir)
    deepEqual(report.findings, [])
    deepEqual([report.records, report.queueEntries], [records.length, records.length])
    // The unique key and two keys of each message.
    equal(report.indexItems, 3 * MESSAGES)
    ok(report.configFiles > 0)

    const dumped = [...dumpStore(storeDir, { topic: TOPIC, tag: 'Tag1 grün' })].map((step) => {
      ok(step.kind === 'message')
      return step.message.body.toString('hex')
    })
    deepEqual(
      dumped,
      records.filter(({ properties }) => properties.includes('TAGS\u0001Tag1')).map(({ body }) => body.toString('hex')),
    )

    const queues = contentsOf(join(storeDir, 'consumequeue'))
    const rebuilt = await rebuildStore(storeDir)
    deepEqual(rebuilt.after.findings, [])
    equal(rebuilt.after.indexItems, 3 * MESSAGES)
    deepEqual(contentsOf(join(storeDir, 'consumequeue')), queues)

    const broker = await javaBroker({ namesrvAddress: namesrv.address, storeDir, properties: PROPERTIES })
    try {
      deepEqual(await queueBodies(broker.address), bodies)
    } finally {
      await broker.stop()
    }
    equal(verifyStore(storeDir).counts.error, 0)
  })

  test('a directory left by kill -9 has no damage', async () => {
    const { storeDir } = await fill('kill')
    const report = verifyStore(storeDir)
    deepEqual(
      report.findings.filter(({ severity }) => severity === 'error'),
      [],
    )
    ok(report.findings.some(({ code }) => code === 'NOT_CLOSED'))
    ok(report.records >= MESSAGES)
  })
})
