import { equal, ok } from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LogRecord } from '../support/commitlog-reader.ts'
import { type OurPair, startOurPair } from '../support/our-peers.ts'
import { freeBrokerPort, freePort } from '../support/ports.ts'
import { RawClient, withRawClient } from '../support/raw-client.ts'
import { readQueue, sendV2 } from '../support/raw-messages.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'

const ROUNDS = 20
const TOPIC = 'KillNine'
const QUEUES = 4
const CONNECTIONS = 4
const IN_FLIGHT = 16
const GET_MAX_OFFSET = 30
const OK = 0
/** Small enough that segments and queue files roll over during the test. */
const PROPERTIES = {
  flushDiskType: 'SYNC_FLUSH',
  mappedFileSizeCommitLog: String(2 << 20),
  mappedFileSizeConsumeQueue: '6000',
}

/** A message that the broker said is safe, and where it said it is. */
interface Acknowledged {
  readonly id: string
  readonly queueId: number
  readonly queueOffset: number
}

/** Sends over several connections, many requests in flight on each, until the broker is gone. */
class Load {
  readonly acknowledged: Acknowledged[] = []
  readonly #round: number
  readonly #clients: RawClient[] = []
  #senders: Promise<unknown> = Promise.resolve()
  #sent = 0

  private constructor(round: number) {
    this.#round = round
  }

  static async on(address: string, round: number): Promise<Load> {
    const load = new Load(round)
    for (let each = 0; each < CONNECTIONS; each++) load.#clients.push(await RawClient.connect(address))
    load.#senders = Promise.all(
      load.#clients.flatMap((client) => Array.from({ length: IN_FLIGHT }, () => load.#sendAll(client))),
    )
    return load
  }

  async #sendAll(client: RawClient): Promise<void> {
    while (client.isOpen) {
      const number = this.#sent++
      const id = `${this.#round}/${number}`
      const queueId = number % QUEUES
      const body = Buffer.from(id.padEnd(50 + ((number * 131) % 1500), '.'))
      const message = { topic: TOPIC, queueId, body, properties: `KEYS\u0001${id}`, bornTimestampMs: Date.now() }
      // An error means that the connection broke before the answer came: the message may or may not be stored.
      const reply = await client.request(sendV2(message)).catch(() => undefined)
      if (reply?.code !== OK) continue
      this.acknowledged.push({ id, queueId, queueOffset: Number(reply.extFields.queueOffset) })
    }
  }

  /** After the broker was killed: waits for the last senders. */
  async ended(): Promise<void> {
    await this.#senders
    for (const client of this.#clients) client.close()
  }
}

const idOf = (record: LogRecord): string => record.body.toString('utf8').replace(/\.+$/, '')

/** All queues from the given offsets on, once everything acknowledged is in them. */
const readQueues = (
  pair: OurPair,
  from: readonly number[],
  acknowledged: readonly Acknowledged[],
): Promise<readonly (readonly LogRecord[])[]> =>
  withRawClient(pair.brokerAddress, async (client) => {
    const queues: (readonly LogRecord[])[] = []
    for (const [queueId, start] of from.entries()) {
      const own = acknowledged.filter((message) => message.queueId === queueId)
      const end = Math.max(0, ...own.map((message) => message.queueOffset + 1))
      const extFields = { topic: TOPIC, queueId: String(queueId) }
      await waitFor(`acknowledged offset ${end - 1} in queue ${queueId}`, async () => {
        const reply = await client.call({ code: GET_MAX_OFFSET, extFields })
        return Number(reply.extFields.offset) >= end
      })
      queues.push(await readQueue(client, TOPIC, queueId, start))
    }
    return queues
  })

/** Fails when an acknowledged message is not where it was said to be, or when a message is there twice. */
const check = (
  queues: readonly (readonly LogRecord[])[],
  from: readonly number[],
  acknowledged: readonly Acknowledged[],
): void => {
  for (const { id, queueId, queueOffset } of acknowledged) {
    const record = queues[queueId]?.[queueOffset - from[queueId]!]
    ok(record !== undefined, `acknowledged message ${id} is missing at ${queueId}:${queueOffset}`)
    equal(idOf(record), id, `another message stands at ${queueId}:${queueOffset}`)
  }
  for (const [queueId, records] of queues.entries()) {
    equal(new Set(records.map(idOf)).size, records.length, `a message is twice in queue ${queueId}`)
  }
}

test(`kill -9 under a SYNC_FLUSH load, ${ROUNDS} rounds: nothing acknowledged is lost, nothing is stored twice`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'apogee-kill-nine-'))
  const ports = { namesrvPort: await freePort(), brokerPort: await freeBrokerPort() }
  const start = () => startOurPair({ dataDir, ...ports, properties: PROPERTIES })
  const all: Acknowledged[] = []
  const ends = Array.from({ length: QUEUES }, () => 0)
  let pair = await start()
  try {
    await createTopic(pair, TOPIC, QUEUES)
    for (let round = 0; round < ROUNDS; round++) {
      const wanted = randomInt(1, 2000)
      const load = await Load.on(pair.brokerAddress, round)
      await waitFor(`${wanted} acknowledgements`, () => load.acknowledged.length >= wanted, { everyMs: 1 })
      await pair.kill()
      await load.ended()
      pair = await start()
      const queues = await readQueues(pair, ends, load.acknowledged)
      check(queues, ends, load.acknowledged)
      for (const [queueId, records] of queues.entries()) ends[queueId]! += records.length
      all.push(...load.acknowledged)
    }
    const beginning = ends.map(() => 0)
    const queues = await readQueues(pair, beginning, all)
    check(queues, beginning, all)
    t.diagnostic(`${all.length} acknowledged, ${queues.flat().length} stored`)
    await pair.stop()
  } finally {
    await pair.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
