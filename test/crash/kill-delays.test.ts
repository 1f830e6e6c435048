import { deepEqual, ok } from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LogRecord } from '../support/commitlog-reader.ts'
import { startOurPair } from '../support/our-peers.ts'
import { freeBrokerPort, freePort } from '../support/ports.ts'
import { RawClient, withRawClient } from '../support/raw-client.ts'
import { readQueue, sendV2 } from '../support/raw-messages.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'

const ROUNDS = 6
const TOPIC = 'KillDelays'
const SCHEDULE = 'SCHEDULE_TOPIC_XXXX'
const LEVELS_MS = [1000, 2000]
const IN_FLIGHT = 16
const PROPERTIES = {
  flushDiskType: 'SYNC_FLUSH',
  messageDelayLevel: '1s 2s',
  flushDelayOffsetInterval: '300',
  mappedFileSizeCommitLog: String(2 << 20),
  mappedFileSizeConsumeQueue: '6000',
}

const bodyOf = (record: LogRecord): string => record.body.toString()

/** Sends delayed messages, each level to a queue of its own, until the broker is gone. */
const sendUntilGone = async (client: RawClient, round: number, acknowledged: string[]): Promise<void> => {
  let sent = 0
  const sender = async () => {
    while (client.isOpen) {
      const number = sent++
      const level = 1 + (number % LEVELS_MS.length)
      const message = { topic: TOPIC, queueId: level - 1, body: Buffer.from(`${round}/${number}`), bornTimestampMs: 1 }
      const reply = await client
        .request(sendV2({ ...message, properties: `DELAY\u0001${level}` }))
        .catch(() => undefined)
      if (reply?.code === 0) acknowledged.push(`${round}/${number}`)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender))
}

/** Each delayed message was delivered, none before its time, first deliveries in the order of the level. */
const check = (waiting: readonly LogRecord[], delivered: readonly LogRecord[], delayMs: number): void => {
  const first = new Map<string, LogRecord>()
  for (const record of delivered) if (!first.has(bodyOf(record))) first.set(bodyOf(record), record)
  deepEqual([...first.keys()], waiting.map(bodyOf))
  for (const record of waiting) {
    const passedMs = first.get(bodyOf(record))!.storeTimestampMs - record.storeTimestampMs
    ok(passedMs >= delayMs, `${bodyOf(record)} was delivered after ${passedMs} ms of ${delayMs}`)
  }
}

test(`kill -9 while delayed messages come and go, ${ROUNDS} rounds: none is lost or early, order is kept`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'apogee-kill-delays-'))
  const ports = { namesrvPort: await freePort(), brokerPort: await freeBrokerPort() }
  const start = () => startOurPair({ dataDir, ...ports, properties: PROPERTIES })
  const acknowledged: string[] = []
  let pair = await start()
  try {
    await createTopic(pair, TOPIC, LEVELS_MS.length)
    for (let round = 0; round < ROUNDS; round++) {
      const before = acknowledged.length
      const wanted = randomInt(100, 1500)
      const client = await RawClient.connect(pair.brokerAddress)
      const sending = sendUntilGone(client, round, acknowledged)
      await waitFor(`${wanted} acknowledgements`, () => acknowledged.length - before >= wanted, { everyMs: 1 })
      await pair.kill()
      await sending
      client.close()
      pair = await start()
    }
    await withRawClient(pair.brokerAddress, async (client) => {
      let duplicates = 0
      for (const [index, delayMs] of LEVELS_MS.entries()) {
        const waiting = await readQueue(client, SCHEDULE, index)
        const last = waiting.at(-1)!
        let delivered: readonly LogRecord[] = []
        await waitFor(`${bodyOf(last)} of level ${index + 1}`, async () => {
          const end = delivered.length
          delivered = [...delivered, ...(await readQueue(client, TOPIC, index, end))]
          return delivered.slice(end).some((record) => bodyOf(record) === bodyOf(last))
        })
        check(waiting, delivered, delayMs)
        duplicates += delivered.length - waiting.length
        const bodies = new Set(waiting.map(bodyOf))
        const level = acknowledged.filter((id) => Number(id.split('/')[1]) % LEVELS_MS.length === index)
        for (const id of level) ok(bodies.has(id), `acknowledged message ${id} is missing`)
      }
      t.diagnostic(`${acknowledged.length} acknowledged, ${duplicates} delivered more than once`)
    })
    await pair.stop()
  } finally {
    await pair.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
