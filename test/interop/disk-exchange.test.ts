import { equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readCommitLog } from '../support/commitlog-reader.ts'
import { readExtendedEntries } from '../support/extension-reader.ts'
import type { OutgoingMessage } from '../support/java-client.ts'
import { startClientDriver, startJavaNameServer } from '../support/java-peers.ts'
import type { Peer } from '../support/peer-process.ts'
import { freeBrokerPort } from '../support/ports.ts'
import { withRawClient } from '../support/raw-client.ts'
import { createTopic } from '../support/raw-topics.ts'
import { topicIsRouted } from '../support/readiness.ts'
import { waitFor } from '../support/wait-for.ts'
import { brokerUnderTest, javaBroker, type StartBroker } from './support/brokers.ts'
import { assertEachOnce, assertSame, bodyOf, makeMessages } from './support/messages.ts'
import { type BrokerProperties, isSelfCheck, removeFolder, skipWithoutJava } from './support/pairs.ts'
import { Stage } from './support/scenario.ts'

const QUEUES = 4
const COMMITTED_OFFSET = 7
const QUERY_CONSUMER_OFFSET = 14
const UPDATE_CONSUMER_OFFSET = 15

/** Files so small that segments, queue files and the index roll over many times. */
const SMALL_FILES: BrokerProperties = {
  mappedFileSizeCommitLog: '65536',
  mappedFileSizeConsumeQueue: '600',
  maxHashSlotNum: '100',
  maxIndexNum: '400',
}

/** Queue entries with units in extension files, which roll over as well. */
const EXTENDED: BrokerProperties = {
  ...SMALL_FILES,
  enableConsumeQueueExt: 'true',
  mappedFileSizeConsumeQueueExt: '500',
}

/** One store directory that passes from broker to broker, and everything that was ever acknowledged into it. */
class Directory {
  readonly storeDir: string
  readonly #stage: Stage
  readonly #port: number
  readonly #properties: BrokerProperties
  readonly #sent: OutgoingMessage[] = []
  readonly #offsetIds = new Map<string, string>()
  readonly topic: string
  readonly group: string

  constructor(stage: Stage, port: number, properties: BrokerProperties) {
    this.storeDir = join(mkdtempSync(join(tmpdir(), 'apogee-exchange-')), 'store')
    this.#stage = stage
    this.#port = port
    this.#properties = properties
    this.topic = stage.name('Exchange')
    this.group = stage.name('exchange-group')
  }

  async open(start: StartBroker, more: BrokerProperties = {}): Promise<Peer> {
    const { namesrvAddress } = this.#stage.pair
    const properties = { ...this.#properties, ...more }
    return start({ namesrvAddress, port: this.#port, storeDir: this.storeDir, properties })
  }

  /** Sends single messages, a batch and large bodies. All of them must be acknowledged. */
  async append(part: string): Promise<void> {
    const producer = await this.#stage.producer()
    const singles = makeMessages(`${part}-single`, 120)
    const batch = makeMessages(`${part}-batch`, 30)
    const large = [0, 1, 2].map((index) => ({
      keys: `${part}-large-${index}`,
      body: bodyOf(`${part}${index}`, 30_000),
    }))
    const results = [
      ...(await this.#stage.driver.send(producer, this.topic, 'async', singles)),
      ...(await this.#stage.driver.send(producer, this.topic, 'batch', batch)),
      ...(await this.#stage.driver.send(producer, this.topic, 'sync', large)),
    ]
    ok(results.every((result) => result.status === 'SEND_OK'))
    const all = [...singles, ...batch, ...large]
    const ids = results.flatMap((result) => result.offsetMsgId.split(','))
    for (const [index, message] of all.entries()) this.#offsetIds.set(message.keys!, ids[index]!)
    this.#sent.push(...all)
    await this.#stage.driver.stopProducer(producer)
  }

  /** Everything ever acknowledged is there once: by queue, by tag, by key and by id. */
  async check(): Promise<void> {
    const { driver } = this.#stage
    const consumer = await this.#stage.pullConsumer()
    const received = await this.#stage.read(consumer, this.topic, this.#sent.length)
    assertEachOnce(this.#sent, received)
    for (const message of received) equal(message.offsetMsgId, this.#offsetIds.get(message.keys!))
    const tagged = this.#sent.filter(({ tags }) => tags === 'TagB')
    assertEachOnce(tagged, await this.#stage.read(consumer, this.topic, tagged.length, 'TagB'))
    const within = { beginTimestampMs: Date.now() - 3_600_000, endTimestampMs: Date.now() + 60_000 }
    for (const message of this.#sent.filter((_, index) => index % 40 === 0)) {
      const found = await waitFor(`key ${message.keys}`, () =>
        driver.queryByKey(consumer, this.topic, message.keys!, within),
      )
      equal(found.length, 1)
      assertSame(message, found[0]!)
      const byId = await driver.viewMessage(consumer, this.topic, this.#offsetIds.get(message.keys!)!)
      assertSame(message, byId!)
    }
    await driver.stopPullConsumer(consumer)
  }

  commitOffset(broker: Peer): Promise<void> {
    const extFields = { consumerGroup: this.group, topic: this.topic, queueId: '1' }
    return withRawClient(broker.address, async (client) => {
      const commitOffset = String(COMMITTED_OFFSET)
      await client.call({ code: UPDATE_CONSUMER_OFFSET, extFields: { ...extFields, commitOffset } })
    })
  }

  async checkOffset(broker: Peer): Promise<void> {
    const extFields = { consumerGroup: this.group, topic: this.topic, queueId: '1' }
    const reply = await withRawClient(broker.address, (client) =>
      client.call({ code: QUERY_CONSUMER_OFFSET, extFields }),
    )
    equal(reply.extFields.offset, String(COMMITTED_OFFSET))
  }

  /** The files themselves: as many records as were acknowledged, at the offsets that they name. */
  checkFiles(): void {
    const { records, blanks } = readCommitLog(join(this.storeDir, 'commitlog'))
    equal(records.length, this.#sent.length)
    const places = [
      ...records.map(({ physicalOffset, sizeBytes }) => [physicalOffset, physicalOffset + sizeBytes]),
      ...blanks.map(({ physicalOffset, head }) => [
        physicalOffset,
        physicalOffset + Number.parseInt(head.slice(0, 8), 16),
      ]),
    ].sort((a, b) => a[0]! - b[0]!)
    for (const [index, [start]] of places.entries()) equal(start, index === 0 ? 0 : places[index - 1]![1])
  }

  /** Queue entries have addresses of units that tell of their record, but for `plain` ones. */
  checkExtension(plain: number): void {
    const { records } = readCommitLog(join(this.storeDir, 'commitlog'))
    const times = new Map(records.map(({ physicalOffset, storeTimestampMs }) => [physicalOffset, storeTimestampMs]))
    const entries = readExtendedEntries(this.storeDir, this.topic)
    equal(entries.length, this.#sent.length)
    const extended = entries.filter(({ unit }) => unit !== undefined)
    equal(entries.length - extended.length, plain)
    for (const { physicalOffset, unit } of extended) equal(unit?.storeTimestampMs, times.get(physicalOffset))
  }

  get sent(): number {
    return this.#sent.length
  }

  remove(): void {
    removeFolder(join(this.storeDir, '..'))
  }
}

const us = isSelfCheck ? 'the Java broker (self-check)' : 'our broker'

describe('a store directory passes between the Java broker 4.9.7 and ours', { skip: skipWithoutJava() }, () => {
  let namesrv: Peer
  let stage: Stage
  let port: number
  before(async () => {
    port = await freeBrokerPort()
    namesrv = await startJavaNameServer()
    const driver = await startClientDriver({ clientVersion: '4.9.8' })
    const pair = { namesrvAddress: namesrv.address, brokerAddress: `127.0.0.1:${port}`, stop: async () => undefined }
    stage = new Stage(pair, driver)
  })
  after(async () => {
    await stage?.driver.stop()
    await namesrv?.kill()
  })

  const exchange = async (
    properties: BrokerProperties,
    end: 'stop' | 'kill',
    atUs: BrokerProperties = {},
  ): Promise<void> => {
    const directory = new Directory(stage, port, properties)
    const brokers: Peer[] = []
    const open = async (start: StartBroker, more: BrokerProperties = {}) => {
      const broker = await directory.open(start, more)
      brokers.push(broker)
      return broker
    }
    try {
      const first = await open(javaBroker)
      await createTopic(stage.pair, directory.topic, QUEUES)
      await directory.append('by-java')
      await directory.commitOffset(first)
      await directory.check()
      await first[end]()
      equal(existsSync(join(directory.storeDir, 'abort')), end === 'kill', 'the abort file tells how it ended')

      const ours = await open(brokerUnderTest, atUs)
      await topicIsRouted(namesrv.address, directory.topic)
      await directory.check()
      if (end === 'stop') await directory.checkOffset(ours)
      const byJava = directory.sent
      await directory.append('by-us')
      await directory.check()
      await ours[end]()
      equal(existsSync(join(directory.storeDir, 'abort')), end === 'kill', 'the abort file tells how it ended')
      directory.checkFiles()
      const isExtended = properties.enableConsumeQueueExt === 'true'
      const plain = atUs.enableConsumeQueueExt === 'false' ? directory.sent - byJava : 0
      if (isExtended) directory.checkExtension(plain)

      const last = await open(javaBroker)
      await topicIsRouted(namesrv.address, directory.topic)
      await directory.check()
      if (end === 'stop') await directory.checkOffset(last)
      await directory.append('by-java-again')
      await directory.check()
      await last.kill()
      directory.checkFiles()
      if (isExtended) directory.checkExtension(plain)
    } finally {
      for (const broker of brokers) await broker.kill()
      directory.remove()
    }
  }

  test(`Java, ${us}, Java, each stopped cleanly, with small files`, () => exchange(SMALL_FILES, 'stop'))

  test(`Java, ${us}, Java, each ended by kill -9, with files of the default sizes`, () => exchange({}, 'kill'))

  test(`Java, ${us}, Java, each ended by kill -9, with small files`, () => exchange(SMALL_FILES, 'kill'))

  test(`Java, ${us}, Java, each ended by kill -9, with sync flush`, () =>
    exchange({ ...SMALL_FILES, flushDiskType: 'SYNC_FLUSH' }, 'kill'))

  test(`Java, ${us}, Java, each stopped cleanly, with the transient store pool`, () =>
    exchange({ ...SMALL_FILES, transientStorePoolEnable: 'true', transientStorePoolSize: '3' }, 'stop'))

  test(`Java, ${us}, Java, each stopped cleanly, with extension files`, () => exchange(EXTENDED, 'stop'))

  test(`Java, ${us}, Java, each ended by kill -9, with extension files`, () => exchange(EXTENDED, 'kill'))

  test(`Java with extension files, ${us} without, Java with them, each stopped cleanly`, () =>
    exchange(EXTENDED, 'stop', { enableConsumeQueueExt: 'false' }))

  /** What becomes of a second broker that is started on the directory of a running one. */
  const secondOn = async (first: StartBroker, second: StartBroker): Promise<string> => {
    const directory = new Directory(stage, port, SMALL_FILES)
    const running = await directory.open(first)
    try {
      const { storeDir } = directory
      const other = await second({ namesrvAddress: namesrv.address, storeDir, properties: SMALL_FILES })
      await other.kill()
      return 'opened'
    } catch (error) {
      return String(error)
    } finally {
      await running.kill()
      directory.remove()
    }
  }

  test(`while ${us} has the directory open, the Java broker refuses it`, async () => {
    match(await secondOn(brokerUnderTest, javaBroker), /Lock failed/)
  })

  test(`while the Java broker has the directory open, ${us} refuses it`, async () => {
    match(await secondOn(javaBroker, brokerUnderTest), /Lock failed|another process uses the store/)
  })
})
