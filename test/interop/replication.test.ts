import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ClientDriver, Queue } from '../support/java-client.ts'
import { startJavaNameServer } from '../support/java-peers.ts'
import type { ClientVersion } from '../support/java-projects.ts'
import { startOurNameServer } from '../support/our-peers.ts'
import type { Peer } from '../support/peer-process.ts'
import { withRawClient } from '../support/raw-client.ts'
import { pullOnce } from '../support/raw-messages.ts'
import { bodyOf, makeMessages } from './support/messages.ts'
import { type BrokerProperties, isSelfCheck, skipWithoutJava } from './support/pairs.ts'
import { aloneScenarios } from './support/replication/alone.ts'
import { Ledger } from './support/replication/ledger.ts'
import { checkMetadata, copiedOffset, topicIsCopied } from './support/replication/metadata.ts'
import { checkWhilePaused } from './support/replication/paused.ts'
import {
  assertPrefix,
  caughtUp,
  logBounds,
  type MasterSort,
  messagesGiven,
  type Replica,
  Replicas,
} from './support/replication/replicas.ts'
import { DELAY_LEVELS, plain } from './support/semantics/delivery.ts'
import { eventually, SemanticsStage, startDriver } from './support/semantics/stage.ts'
import { half, TRANSACTION_SETTINGS, TransactionProducer } from './support/semantics/transactions.ts'

const VERSIONS: readonly ClientVersion[] = ['4.9.8', '5.3.3']
const OLDER: readonly ClientVersion[] = ['4.9.8']
const SEGMENT_BYTES = 1 << 20
/** So that a segment never ends with a message. */
const LARGE_BODY_BYTES = 48_000

const SORTS = {
  java: { name: 'the Java master 4.9.7', namesrv: () => startJavaNameServer() },
  ours: { name: 'our master', namesrv: () => startOurNameServer() },
} satisfies Record<MasterSort, { name: string; namesrv: () => Promise<Peer> }>

/** What all stories of one sort of master share. */
interface Ground {
  readonly sort: MasterSort
  readonly namesrv: () => Peer
  readonly driver: (version?: ClientVersion) => ClientDriver
}

/** One master of its own, with what a story needs to work at it. */
class Story {
  readonly #ground: Ground
  readonly #name: string
  readonly #properties: BrokerProperties
  readonly #masterProperties: BrokerProperties
  readonly #stages = new Map<ClientVersion, SemanticsStage>()
  #replicas: Replicas | undefined
  /** Set by a test for those after it. */
  slave!: Replica

  constructor(ground: Ground, name: string, masterProperties: BrokerProperties, properties: BrokerProperties = {}) {
    this.#ground = ground
    this.#name = name
    this.#properties = properties
    this.#masterProperties = masterProperties
    before(async () => {
      const names = { namesrvAddress: ground.namesrv().address, brokerName: `${name}-${ground.sort}` }
      this.#replicas = await Replicas.start(ground.sort, names, this.#properties, this.#masterProperties)
    })
    after(() => this.#replicas?.stop())
  }

  get replicas(): Replicas {
    return this.#replicas!
  }

  get master(): Replica {
    return this.replicas.master
  }

  stage(version: ClientVersion = '4.9.8'): SemanticsStage {
    const known = this.#stages.get(version)
    if (known !== undefined) return known
    const broker = this.#ground.sort
    const suffix = `${this.#name}-${broker}-${version.replaceAll('.', '_')}`
    const stage = new SemanticsStage(this.replicas, this.#ground.driver(version), { broker, suffix })
    this.#stages.set(version, stage)
    return stage
  }
}

const large = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    keys: `${prefix}-${index}`,
    body: bodyOf(`${prefix}-${index}`, LARGE_BODY_BYTES),
  }))

/** A SYNC_MASTER alone, then with a slave, which is killed and comes back. */
const syncStory = (ground: Ground): void => {
  const story = new Story(
    ground,
    'sync',
    { brokerRole: 'SYNC_MASTER', slaveTimeout: '8000' },
    { messageDelayLevel: DELAY_LEVELS, ...TRANSACTION_SETTINGS },
  )

  describe('a SYNC_MASTER without a slave', { concurrency: true }, () => {
    for (const { name, versions = OLDER, run } of aloneScenarios) {
      for (const version of versions) test(`${name} (client ${version})`, () => run(story.stage(version)))
    }
  })

  let ledger: Ledger
  test('with a slave sends answer SEND_OK, and the slave has the bytes', async () => {
    ledger = await Ledger.open(story.stage(), 'WithSlave')
    story.slave = await story.replicas.startSlave()
    await ledger.sendUntil('SEND_OK')
    await ledger.sendAll('with-slave', 'SEND_OK')
    assertPrefix(story.master, story.slave, await logBounds(story.slave))
    const { from } = await caughtUp(story.master, story.slave)
    equal(from, 0)
    await ledger.readAndCheck()
  })

  describe('with that slave', { concurrency: true }, () => {
    test('the name server lists both by their ids', async () => {
      deepEqual(await story.replicas.listed(), { 0: story.master.address, 1: story.slave.address })
    })

    test('topics, groups, offsets and delay offsets follow', () =>
      checkMetadata(story.stage(), story.master, story.slave))

    test('transactions, delays and refusals work as ever', async () => {
      const stage = story.stage()
      const topic = await stage.topic('AllWithSlave')
      const producer = await TransactionProducer.start(stage, stage.name('transactions-with-slave'))
      const member = await stage.consumer(topic)
      const [result] = await producer.send(topic, [half('half', 'COMMIT', 'COMMIT')])
      deepEqual([result!.status, result!.localState], ['SEND_OK', 'COMMIT_MESSAGE'])
      const results = await stage.sends(topic, [plain('late', {}, { delayLevel: 1 }), plain('refused', { fail: '1' })])
      ok(results.every(({ status }) => status === 'SEND_OK'))
      const collected = await member.receives(4)
      deepEqual(collected.map(({ keys }) => keys).sort(), ['half', 'late', 'refused', 'refused'])
      await producer.stop()
      await member.stop()
    })
  })

  test('a slave that was killed goes on where it was', async () => {
    await story.slave.kill()
    await ledger.sendUntil('SLAVE_NOT_AVAILABLE')
    await ledger.sendAll('slave-away', 'SLAVE_NOT_AVAILABLE', 20)
    story.slave = await story.replicas.startSlave()
    await ledger.sendUntil('SEND_OK')
    await ledger.sendAll('slave-back', 'SEND_OK')
    const { from } = await caughtUp(story.master, story.slave)
    equal(from, 0)
    await ledger.readAndCheck()
  })
}

/** A SYNC_MASTER whose slave stands still for a while. */
const pauseStory = (ground: Ground): void => {
  const story = new Story(
    ground,
    'pause',
    {
      brokerRole: 'SYNC_MASTER',
      slaveTimeout: '1000',
      haSlaveFallbehindMax: String(SEGMENT_BYTES),
      // A slave that stands still must not be taken for dead.
      haHousekeepingInterval: '120000',
    },
    { messageDelayLevel: DELAY_LEVELS },
  )

  let ledger: Ledger
  test('while the slave stands still sends answer FLUSH_SLAVE_TIMEOUT, and what was sent is there', async () => {
    const stage = story.stage()
    ledger = await Ledger.open(stage, 'Pause')
    story.slave = await story.replicas.startSlave()
    await ledger.sendUntil('SEND_OK')
    await story.slave.pause()
    await ledger.sendAll('slave-paused', 'FLUSH_SLAVE_TIMEOUT', 2)
    const relaxed = makeMessages(`${ledger.topic}-relaxed`, 2).map((message) => ({ ...message, waitStoreMsgOk: false }))
    deepEqual([...(await ledger.send('sync', relaxed))], ['SEND_OK'])
    await ledger.readAndCheck()
    story.slave.resume()
    await ledger.sendUntil('SEND_OK')
  })

  test('while the slave stands still delays, refusals and commits work, and each comes once', () =>
    checkWhilePaused(story.stage(), story.slave))

  test('a slave that is further behind than haSlaveFallbehindMax counts as none', async () => {
    await story.slave.pause()
    const relaxed = large(`${ledger.topic}-lag`, 30).map((message) => ({ ...message, waitStoreMsgOk: false }))
    deepEqual([...(await ledger.send('async', relaxed))], ['SEND_OK'])
    await ledger.sendAll('slave-lags', 'SLAVE_NOT_AVAILABLE')
    await ledger.readAndCheck()
    story.slave.resume()
    await ledger.sendUntil('SEND_OK')
    await caughtUp(story.master, story.slave)
    await ledger.readAndCheck()
  })

  test('a slave 5.3.3 gets the same bytes', async () => {
    const newer = await story.replicas.startSlave(2, '5.3.3')
    await caughtUp(story.master, newer)
    await ledger.sendUntil('SEND_OK')
    await Promise.all([caughtUp(story.master, story.slave), caughtUp(story.master, newer)])
  })
}

/** An ASYNC_MASTER with small segments that sends slow consumers to its slave, which comes late. */
const asyncStory = (ground: Ground): void => {
  const story = new Story(
    ground,
    'async',
    { brokerRole: 'ASYNC_MASTER', slaveReadEnable: 'true', accessMessageInMemoryMaxRatio: '0' },
    { mappedFileSizeCommitLog: String(SEGMENT_BYTES) },
  )

  test('a slave that comes late gets the segments there are, and what comes then across their ends', async () => {
    const ledger = await Ledger.open(story.stage(), 'Late')
    deepEqual([...(await ledger.send('async', large(`${ledger.topic}-before`, 60)))], ['SEND_OK'])
    const { to } = await logBounds(story.master)
    ok(to > 2 * SEGMENT_BYTES)
    story.slave = await story.replicas.startSlave()
    const { from } = await caughtUp(story.master, story.slave)
    // Java gives an empty slave its last segment only.
    equal(from, ground.sort === 'java' ? to - (to % SEGMENT_BYTES) : 0)
    deepEqual([...(await ledger.send('sync', large(`${ledger.topic}-after-sync`, 30)))], ['SEND_OK'])
    deepEqual([...(await ledger.send('async', large(`${ledger.topic}-after`, 60)))], ['SEND_OK'])
    const later = await caughtUp(story.master, story.slave)
    ok(later.to > to + 3 * SEGMENT_BYTES)
    await ledger.readAndCheck()
  })

  let ledger: Ledger
  let halfWay: { readonly group: string; readonly queue: Queue; readonly count: number }
  test('the master sends a slow consumer to the slave, where it gets everything once', async () => {
    const stage = story.stage()
    ledger = await Ledger.open(stage, 'Slow', 1)
    await topicIsCopied(story.slave, ledger.topic)
    await ledger.send('async', makeMessages(`${ledger.topic}-slow`, 60))
    await caughtUp(story.master, story.slave)
    const { code, extFields } = await withRawClient(story.master.address, (client) =>
      client.request(pullOnce({ topic: ledger.topic, queueId: 0, queueOffset: 0 }, 8)),
    )
    deepEqual([code, extFields.suggestWhichBrokerId], [0, '1'])
    const given = await messagesGiven(story.slave)
    await ledger.readAndCheck()
    const member = await stage.consumer(ledger.topic)
    const collected = await member.receives(ledger.sent.length)
    ledger.check(collected)
    ok((await messagesGiven(story.slave)) >= given + ledger.sent.length / 2, 'most of it came from the slave')
    await member.stop()
    const queue = { topic: ledger.topic, brokerName: story.replicas.brokerName, queueId: 0 }
    halfWay = { group: member.group, queue, count: ledger.sent.length }
  })

  test('when the master is dead the slave goes on serving, and knows how far a group was', async () => {
    const stage = story.stage()
    const { group, queue, count } = halfWay
    await eventually('the offset at the slave', () => copiedOffset(story.slave, { ...queue, group }) === count)
    const more = makeMessages(`${ledger.topic}-unread`, 20)
    await ledger.send('async', more)
    await caughtUp(story.master, story.slave)
    await story.master.kill()
    await eventually('a list without the master', async () => {
      const listed = await story.replicas.listed()
      return listed[0] === undefined && listed[1] === story.slave.address
    })
    await ledger.readAndCheck()
    const member = await stage.consumer(ledger.topic, { group })
    const collected = await member.receives(more.length)
    deepEqual(collected.map(({ keys }) => keys).sort(), more.map(({ keys }) => keys!).sort())
    await member.stop()
  })
}

describe('replication to Java slaves', { skip: skipWithoutJava(), concurrency: 2 }, () => {
  const drivers = new Map<ClientVersion, ClientDriver>()
  before(async () => {
    for (const driver of await Promise.all(VERSIONS.map(startDriver))) drivers.set(driver.version, driver)
  })
  after(() => Promise.all([...drivers.values()].map((driver) => driver.kill())))

  for (const sort of isSelfCheck ? (['java'] as const) : (['java', 'ours'] as const)) {
    describe(`from ${SORTS[sort].name}`, { concurrency: 3 }, () => {
      let namesrv: Peer
      before(async () => {
        namesrv = await SORTS[sort].namesrv()
      })
      after(() => namesrv?.kill())
      const ground: Ground = { sort, namesrv: () => namesrv, driver: (version = '4.9.8') => drivers.get(version)! }
      // Beside each other; the tests of one story follow each other.
      const inTurn = { concurrency: 1 }
      describe('a master that waits for its slave', inTurn, () => syncStory(ground))
      describe('a master whose slave stands still', inTurn, () => pauseStory(ground))
      describe('a master that does not wait', inTurn, () => asyncStory(ground))
    })
  }
})
