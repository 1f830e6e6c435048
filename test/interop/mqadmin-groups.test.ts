import { equal, match } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ClientDriver, runMqadmin, startClientDriver } from '../support/java-peers.ts'
import { withRawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait-for.ts'
import { maskedOutput } from './support/mqadmin-output.ts'
import { javaPair, ourPair, type PairKind, type ServerPair, skipWithoutJava, underTest } from './support/pairs.ts'

const TOPIC = 'GroupTopic'
const GROUP = 'AdminGroup'
const MESSAGES = 4

/** A cluster with a topic of two queues, four messages there, and one Java consumer that has consumed them. */
class Cluster {
  readonly pair: ServerPair
  readonly driver: ClientDriver
  clientId = ''
  firstId = ''

  private constructor(pair: ServerPair, driver: ClientDriver) {
    this.pair = pair
    this.driver = driver
  }

  static async start(kind: PairKind): Promise<Cluster> {
    const pair = await kind.start()
    const cluster = new Cluster(pair, await startClientDriver({ clientVersion: '4.9.8' }))
    await cluster.run(['updateTopic', '-b', '<broker>', '-t', TOPIC, '-r', '2', '-w', '2'])
    await cluster.#consume()
    return cluster
  }

  async run(args: readonly string[]): Promise<string> {
    const { brokerAddress, namesrvAddress } = this.pair
    const names: Readonly<Record<string, string>> = {
      '<broker>': brokerAddress,
      '<client>': this.clientId,
      '<id>': this.firstId,
    }
    const output = await runMqadmin(
      args.map((arg) => names[arg] ?? arg),
      { namesrvAddress },
    )
    return maskedOutput(output, this.pair)
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>')
      .replaceAll(/"subVersion":\d+/g, '"subVersion":0')
      .replaceAll(/spentTimeMills=\d+/g, 'spentTimeMills=0')
      .replaceAll(/(?<=timestamp\((?:string|long)\)\[)\d+/g, '0')
  }

  async stop(): Promise<void> {
    await this.driver.stop()
    await this.pair.stop()
  }

  async #consume(): Promise<void> {
    const { driver } = this
    const { namesrvAddress, brokerAddress } = this.pair
    await driver.createProducer({ namesrvAddress, name: 'producer', group: 'AdminProducers' })
    this.clientId = await driver.startPushConsumer({ namesrvAddress, name: 'consumer', group: GROUP, topic: TOPIC })
    const queues = await driver.publishQueues('producer', TOPIC)
    for (let index = 0; index < MESSAGES; index++) {
      const { brokerName, queueId } = queues[index % queues.length]!
      const message = {
        body: Buffer.from(`b${index}`),
        tags: 'TagA',
        uniqKey: `7F0000010000AAAA00000000000000${index}0`,
      }
      const [sent] = await driver.send('producer', TOPIC, 'queue', [message], { brokerName, queueId })
      if (index === 0) this.firstId = sent!.offsetMsgId
    }
    await waitFor('all messages', async () => (await driver.collectedCount('consumer')) === MESSAGES)
    await driver.persistOffsets('consumer')
    await withRawClient(brokerAddress, async (client) => {
      await waitFor('the offsets', async () => {
        const offsets = [0, 1].map(async (queueId) => {
          const extFields = { consumerGroup: GROUP, topic: TOPIC, queueId: String(queueId) }
          return (await client.request({ code: 14, extFields })).extFields.offset
        })
        return (await Promise.all(offsets)).every((offset) => offset === '2')
      })
    })
  }
}

describe('Java mqadmin 4.9.7 does the same to groups of our broker as of Java', { skip: skipWithoutJava() }, () => {
  let java: Cluster
  let ours: Cluster
  before(async () => {
    ;[java, ours] = await Promise.all([Cluster.start(javaPair), Cluster.start(underTest(ourPair))])
  })
  after(async () => {
    await java?.stop()
    await ours?.stop()
  })

  const same = async (args: readonly string[], expected: RegExp): Promise<void> => {
    const [fromJava, fromOurs] = await Promise.all([java.run(args), ours.run(args)])
    match(fromJava, expected)
    equal(fromOurs, fromJava)
  }
  const both = async (args: readonly string[], expected: RegExp): Promise<void> => {
    for (const output of await Promise.all([java.run(args), ours.run(args)])) match(output, expected)
  }

  test('consumerStatus: a client answers through the broker', () =>
    both(
      ['consumerStatus', '-g', GROUP, '-i', '<client>'],
      /PROP_CONSUME_TYPE\s*: CONSUME_PASSIVELY[\s\S]*GroupTopic broker-a 0[\s\S]*GroupTopic/,
    ))

  test('queryMsgById with a client: it consumes that message now', () =>
    same(['queryMsgById', '-i', '<id>', '-g', GROUP, '-d', '<client>'], /consumeResult=CR_SUCCESS/))

  test('brokerConsumeStats', () => same(['brokerConsumeStats', '-b', '<broker>'], /Diff Total: 0/))

  test('queryCq', () =>
    same(
      ['queryCq', '-b', '<broker>', '-t', TOPIC, '-q', '0', '-i', '0', '-c', '2', '-g', GROUP],
      /max: 2, min: 0[\s\S]*tagsCode=2598919/,
    ))

  test('statsAll', () => both(['statsAll', '-t', TOPIC], /GroupTopic AdminGroup 0 \d+\.\d\d \d+\.\d\d \d \d/))

  test('cleanExpiredCQ and cleanUnusedTopic', async () => {
    await same(['cleanExpiredCQ', '-b', '<broker>'], /success/)
    await same(['cleanUnusedTopic', '-b', '<broker>'], /success/)
  })

  test('cloneGroupOffset, and a reset of the copy, which nobody consumes', async () => {
    await same(['cloneGroupOffset', '-s', GROUP, '-d', 'CopyGroup', '-t', TOPIC], /clone group offset success/)
    await same(
      ['resetOffsetByTime', '-g', 'CopyGroup', '-t', TOPIC, '-s', '0'],
      /broker-a \d 2 2 0 0\nbroker-a \d 2 2 0 0/,
    )
  })

  test('resetOffsetByTime: the connected consumer goes back and consumes again', async () => {
    await same(['resetOffsetByTime', '-g', GROUP, '-t', TOPIC, '-s', '0'], /broker-a \d 0\nbroker-a \d 0/)
    for (const { driver } of [java, ours]) {
      await waitFor('all messages again', async () => (await driver.collectedCount('consumer')) >= 2 * MESSAGES)
    }
  })
})
