import { deepEqual } from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type OurPair, startOurPair } from '../../support/our-peers.ts'
import { freeBrokerPort, freePort } from '../../support/ports.ts'
import { withRawClient } from '../../support/raw-client.ts'
import { readQueue, sendV2 } from '../../support/raw-messages.ts'
import { createTopic } from '../../support/raw-topics.ts'
import { topicIsRouted } from '../../support/readiness.ts'
import { waitFor } from '../../support/wait-for.ts'

/** The topic of well-meant messages. */
export const TOPIC = 'WellMeant'
/** A log that is quick to make and still holds the largest message. */
const PROPERTIES = { mappedFileSizeCommitLog: String(32 << 20), maxIndexNum: '4000', maxHashSlotNum: '1000' }
/** Levels of the log from here on say that the program is at fault, not its peer. */
const ERROR_LEVEL = 50

/** Every name that may stand below the data directory, as a path in it. */
const EXPECTED = new RegExp(
  `^(${[
    'broker\\.properties',
    'logs(/apogeemq\\.log)?',
    'namesrv(/kvConfig\\.json(\\.bak)?)?',
    'store',
    'store/(lock|abort|checkpoint|recovery-point|removed-topics|retention\\.txt)',
    'store/(commitlog|index|checksums|recycled)(/\\d{17,20})?',
    'store/config(/(topics|subscriptionGroup|consumerOffset)\\.json(\\.bak)?)?',
    'store/consumequeue(/[%|a-zA-Z0-9_-]{1,127}(/\\d{1,10}(/\\d{20})?)?)?',
  ].join('|')})$`,
)

interface Ports {
  readonly namesrvPort: number
  readonly brokerPort: number
}

/** `apogeemq start` on a real store, with a record of what it acknowledged to well-meant clients. */
export class ServedPair {
  readonly root = mkdtempSync(join(tmpdir(), 'apogee-bad-input-'))
  readonly #ports: Ports
  readonly #acknowledged: string[] = []
  #pair!: OurPair

  private constructor(ports: Ports) {
    this.#ports = ports
  }

  static async start(): Promise<ServedPair> {
    const served = new ServedPair({ namesrvPort: await freePort(), brokerPort: await freeBrokerPort() })
    await served.#start()
    await createTopic(served.#pair, TOPIC, 1)
    return served
  }

  get broker(): string {
    return this.#pair.brokerAddress
  }

  /** Two below the broker's port, where everything but pulls is answered. */
  get vip(): string {
    return `127.0.0.1:${this.#ports.brokerPort - 2}`
  }

  get nameServer(): string {
    return this.#pair.namesrvAddress
  }

  /** Every address that takes bytes, by what listens there. */
  get addresses(): readonly (readonly [string, string])[] {
    return [
      ['broker', this.broker],
      ['VIP', this.vip],
      ['name server', this.nameServer],
    ]
  }

  /** The same process still routes, takes a message on both its ports, and gives back every message in order. */
  async proveService(): Promise<void> {
    process.kill(this.#pair.pid, 0)
    await topicIsRouted(this.nameServer, TOPIC)
    for (const address of [this.broker, this.vip]) {
      const text = `message ${this.#acknowledged.length}`
      const message = { topic: TOPIC, queueId: 0, body: Buffer.from(text), properties: '', bornTimestampMs: 1 }
      await withRawClient(address, (client) => client.call(sendV2(message)))
      this.#acknowledged.push(text)
    }
    await this.proveMessages()
  }

  /** Every acknowledged message is in the queue, in order, and nothing else is. */
  async proveMessages(): Promise<void> {
    await withRawClient(this.broker, async (client) => {
      const count = this.#acknowledged.length
      const records = await waitFor(`${count} messages`, async () => {
        const found = await readQueue(client, TOPIC, 0)
        return found.length >= count && found
      })
      deepEqual(
        records.map(({ body }) => body.toString()),
        this.#acknowledged,
      )
    })
  }

  /** Nothing is in the data directory, or beside it, that nothing well-meant makes. */
  async proveNames(): Promise<void> {
    // A state file that is being written has a temporary name for a moment.
    for (let looks = 0; looks < 100 && this.#strayNames().length > 0; looks++) await delay(10)
    deepEqual(this.#strayNames(), [])
  }

  /** Lines of the log that report a fault of the program itself. */
  faults(): string[] {
    const lines = readFileSync(join(this.#dataDir, 'logs', 'apogeemq.log'), 'utf8')
      .trimEnd()
      .split('\n')
    return lines.filter((line) => JSON.parse(line).level >= ERROR_LEVEL)
  }

  async restart(): Promise<void> {
    await this.#pair.stop()
    await this.#start()
    await topicIsRouted(this.nameServer, TOPIC)
  }

  async end(): Promise<void> {
    await this.#pair.kill()
    rmSync(this.root, { recursive: true, force: true })
  }

  #strayNames(): string[] {
    const data = this.#dataDir
    const inside = readdirSync(data, { withFileTypes: true, recursive: true }).map((entry) =>
      relative(data, join(entry.parentPath ?? entry.path, entry.name)),
    )
    const beside = readdirSync(this.root).filter((name) => name !== 'data')
    return [...inside.filter((path) => !EXPECTED.test(path)), ...beside.map((name) => join('..', name))]
  }

  get #dataDir(): string {
    return join(this.root, 'data')
  }

  async #start(): Promise<void> {
    this.#pair = await startOurPair({ dataDir: this.#dataDir, ...this.#ports, properties: PROPERTIES })
  }
}
