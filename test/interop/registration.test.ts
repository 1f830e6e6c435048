import { deepEqual, equal } from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../../lib/base/clock.ts'
import { silentLogger } from '../../lib/base/logging.ts'
import { Registration } from '../../lib/broker/registration/registration.ts'
import { TopicTable } from '../../lib/broker/topics/topic-table.ts'
import { RemotingClient } from '../../lib/net/client.ts'
import { topicConfig } from '../../lib/protocol/bodies/topic-config.ts'
import { decodeTopicRoute, type QueueData } from '../../lib/protocol/bodies/topic-route.ts'
import { addWritePermOfBroker } from '../../lib/protocol/commands/add-write-perm-of-broker.ts'
import { getRouteInfoByTopic } from '../../lib/protocol/commands/get-route-info-by-topic.ts'
import { wipeWritePermOfBroker } from '../../lib/protocol/commands/wipe-write-perm-of-broker.ts'
import { ResponseCode } from '../../lib/protocol/response-codes.ts'
import { testConfig } from '../broker/support/fixtures.ts'
import { startJavaNameServer } from '../support/java-peers.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startOurNameServer } from '../support/our-peers.ts'
import type { Peer } from '../support/peer-process.ts'
import { removeFolder, skipWithoutJava } from './support/pairs.ts'

const READ = 4
const READ_WRITE = 6
let brokers = 0

/** The registering part of a broker, with a clock that is moved by hand, at a name server that runs for real. */
class Registrant implements AsyncDisposable {
  readonly brokerName = `broker-${++brokers}`
  readonly clock = new ManualClock()
  readonly client = new RemotingClient({ clock: systemClock, logger: silentLogger })
  readonly #namesrvAddress: string
  readonly #folder: string
  readonly topics: TopicTable
  readonly config: ReturnType<typeof testConfig>
  readonly registration: Registration

  private constructor(parts: {
    namesrvAddress: string
    folder: string
    topics: TopicTable
    config: Registrant['config']
  }) {
    this.#namesrvAddress = parts.namesrvAddress
    this.#folder = parts.folder
    this.topics = parts.topics
    this.config = parts.config
    const port = 10_000 + 10 * brokers
    const broker = {
      brokerName: this.brokerName,
      clusterName: 'DefaultCluster',
      brokerId: 0,
      brokerAddr: `127.0.0.1:${port}`,
      haServerAddr: `127.0.0.1:${port + 1}`,
    }
    this.registration = new Registration({ ...this, logger: silentLogger, broker })
  }

  static async start(namesrvAddress: string, properties: Record<string, string> = {}): Promise<Registrant> {
    const folder = await mkdtemp(join(tmpdir(), 'apogee-registration-'))
    const config = testConfig(folder, { namesrvAddr: namesrvAddress, ...properties })
    const topics = await TopicTable.load({ config, clock: new ManualClock(), logger: silentLogger })
    const registrant = new Registrant({ namesrvAddress, folder, topics, config })
    await registrant.registration.start()
    equal(registrant.registration.inSync, 1)
    return registrant
  }

  /** The next registration comes, and is answered. */
  async period(): Promise<void> {
    this.clock.advance(60_000)
    await this.registration.settled()
    equal(this.registration.inSync, 1)
  }

  async add(topic: string, perm = READ_WRITE): Promise<void> {
    this.topics.update(topicConfig(topic, { readQueueNums: 4, writeQueueNums: 4, perm }))
    await this.registration.settled()
    equal(this.registration.inSync, 1)
  }

  /** What the name server says of a broker's queues of a topic. */
  async route(topic: string, of = this.brokerName): Promise<QueueData | undefined> {
    const header = { topic, acceptStandardJsonOnly: true }
    const { code, body } = await this.client.invoke(this.#namesrvAddress, getRouteInfoByTopic, header, {
      accept: ['TOPIC_NOT_EXIST'],
    })
    if (code === ResponseCode.TOPIC_NOT_EXIST) return undefined
    return decodeTopicRoute(body).queueDatas.find(({ brokerName }) => brokerName === of)
  }

  async permission(topic: string): Promise<number | undefined> {
    return (await this.route(topic))?.perm
  }

  async wipe(): Promise<number> {
    const { brokerName } = this
    return (await this.client.invoke(this.#namesrvAddress, wipeWritePermOfBroker, { brokerName })).header.wipeTopicCount
  }

  async allow(): Promise<number> {
    const { brokerName } = this
    return (await this.client.invoke(this.#namesrvAddress, addWritePermOfBroker, { brokerName })).header.addTopicCount
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registration.stop()
    await this.client.stop()
    await this.topics.stop()
    removeFolder(this.#folder)
  }
}

const describeNameServer = (name: string, start: () => Promise<Peer>, isFive = false): void => {
  describe(`registration of our broker with ${name}`, { skip: skipWithoutJava() }, () => {
    let nameServer: Peer
    before(async () => {
      nameServer = await start()
    })
    after(() => nameServer?.kill())

    for (const compressed of ['false', 'true']) {
      test(`all topics are known after the start, later ones when they are made (compressed: ${compressed})`, async () => {
        const topic = `Registered-${compressed}`
        await using broker = await Registrant.start(nameServer.address, { compressedRegister: compressed })
        equal(await broker.permission('TBW102'), 7)
        equal(await broker.route(topic), undefined)
        await broker.add(topic)
        deepEqual(await broker.route(topic), {
          brokerName: broker.brokerName,
          readQueueNums: 4,
          writeQueueNums: 4,
          perm: READ_WRITE,
          topicSysFlag: 0,
        })
      })
    }

    for (const force of ['true', 'false']) {
      test(`a wipe of the write permission outlasts registrations until a topic changes (forced: ${force})`, async () => {
        await using broker = await Registrant.start(nameServer.address, { forceRegister: force })
        const [changed, other] = [`Changed-${force}`, `Other-${force}`]
        await broker.add(changed)
        await broker.add(other)
        const topics = broker.topics.size
        equal(await broker.wipe(), topics)
        await broker.period()
        await broker.period()
        deepEqual([await broker.permission(changed), await broker.permission(other)], [READ, READ])
        await broker.add(changed)
        deepEqual([await broker.permission(changed), await broker.permission(other)], [READ_WRITE, READ])
        equal(await broker.allow(), topics)
        deepEqual([await broker.permission(other), await broker.permission('TBW102')], [READ_WRITE, READ_WRITE])
      })
    }

    test('a change of the broker’s permission shows in all its topics', async () => {
      await using broker = await Registrant.start(nameServer.address)
      await broker.add('Permitted')
      for (const permission of [READ, READ_WRITE]) {
        broker.config.update(new Map([['brokerPermission', String(permission)]]))
        broker.topics.touch()
        await broker.registration.registerAll()
        equal(await broker.permission('Permitted'), permission)
      }
    })

    test('a broker that stops is not routed to any more', async () => {
      await using watcher = await Registrant.start(nameServer.address)
      const broker = await Registrant.start(nameServer.address)
      await broker.add('Gone')
      equal((await watcher.route('Gone', broker.brokerName))?.perm, READ_WRITE)
      await broker[Symbol.asyncDispose]()
      equal(await watcher.route('Gone', broker.brokerName), undefined)
    })

    if (isFive) {
      test('single topics are taken by the request of 5.x', async () => {
        await using broker = await Registrant.start(nameServer.address, { enableSingleTopicRegister: 'true' })
        await broker.add('Single')
        equal((await broker.route('Single'))?.writeQueueNums, 4)
        await broker.period()
        equal((await broker.route('Single'))?.writeQueueNums, 4)
      })
    }
  })
}

describeNameServer('Java name server 4.9.7', () => startJavaNameServer())
describeNameServer('Java name server 5.3.3', () => startJavaNameServer({ version: '5.3.3' }), true)
describeNameServer('our name server', () => startOurNameServer())

describe('a name server that comes back empty', { skip: skipWithoutJava() }, () => {
  test('is told everything at the next time, also without forceRegister', async () => {
    const first = await startJavaNameServer()
    const port = Number(first.address.split(':')[1])
    await using broker = await Registrant.start(first.address, { forceRegister: 'false' })
    await broker.add('Again')
    await first.kill()
    const second = await startJavaNameServer({ port })
    try {
      equal(await broker.route('Again'), undefined)
      await broker.period()
      equal(await broker.permission('Again'), READ_WRITE)
    } finally {
      await second.kill()
    }
  })
})
