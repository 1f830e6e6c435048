import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runMqadmin } from '../support/java-peers.ts'
import { withRawClient } from '../support/raw-client.ts'
import { sendV2 } from '../support/raw-messages.ts'
import { topicIsRouted } from '../support/readiness.ts'
import { waitFor } from '../support/wait-for.ts'
import { maskedOutput } from './support/mqadmin-output.ts'
import { javaPair, ourPair, type ServerPair, skipWithoutJava, underTest } from './support/pairs.ts'

const TOPIC = 'AdminTopic'
const QUERY_MESSAGE = 12
const MESSAGES = 3

/** One cluster under test, prepared alike. */
class Cluster {
  readonly pair: ServerPair
  readonly offsetIds: string[] = []

  constructor(pair: ServerPair) {
    this.pair = pair
  }

  async run(args: readonly string[]): Promise<string> {
    const own = args.map((arg) => (arg === '<broker>' ? this.pair.brokerAddress : (this.#id(arg) ?? arg)))
    return maskedOutput(await runMqadmin(own, { namesrvAddress: this.pair.namesrvAddress }), this.pair)
  }

  #id(arg: string): string | undefined {
    const index = /^<id (\d)>$/.exec(arg)?.[1]
    return index === undefined ? undefined : this.offsetIds[Number(index)]
  }

  /** Sends messages that carry the same unique keys in every cluster. */
  async fill(): Promise<void> {
    await topicIsRouted(this.pair.namesrvAddress, TOPIC)
    await withRawClient(this.pair.brokerAddress, async (client) => {
      for (let index = 0; index < MESSAGES; index++) {
        const names = {
          KEYS: `order-${index} shared`,
          TAGS: 'TagA',
          UNIQ_KEY: `7F0000010000AAAA00000000000000${index}0`,
          colour: 'blue',
        }
        const properties = Object.entries(names).map(([name, value]) => `${name}\u0001${value}`)
        const reply = await client.call(
          sendV2({
            topic: TOPIC,
            queueId: index,
            body: Buffer.from(`body ${index}`),
            properties: properties.join('\u0002'),
            bornTimestampMs: Date.now(),
          }),
        )
        this.offsetIds.push(reply.extFields.msgId!)
      }
      await waitFor('the index', async () => {
        const within = { beginTimestamp: '0', endTimestamp: String(Date.now() + 60_000) }
        const extFields = { topic: TOPIC, key: `order-${MESSAGES - 1}`, maxNum: '8', ...within }
        return (await client.request({ code: QUERY_MESSAGE, extFields })).code === 0
      })
    })
  }
}

describe('Java mqadmin 4.9.7 prints the same about our servers as about Java ones', { skip: skipWithoutJava() }, () => {
  let java: Cluster
  let ours: Cluster
  before(async () => {
    java = new Cluster(await javaPair.start())
    ours = new Cluster(await underTest(ourPair).start())
  })
  after(async () => {
    await java?.pair.stop()
    await ours?.pair.stop()
  })

  const same = async (args: readonly string[], expected: RegExp): Promise<void> => {
    const [fromJava, fromOurs] = await Promise.all([java.run(args), ours.run(args)])
    match(fromJava, expected)
    equal(fromOurs, fromJava)
  }

  test('updateTopic at a broker, then in a cluster', async () => {
    const queues = ['-r', '6', '-w', '4']
    await same(['updateTopic', '-b', '<broker>', '-t', TOPIC, ...queues], /create topic to <broker> success/)
    await same(
      ['updateTopic', '-c', 'DefaultCluster', '-t', 'SecondTopic', '-p', '4'],
      /create topic to <broker> success/,
    )
    await Promise.all([java.fill(), ours.fill()])
  })

  test('updateTopic with an order configuration', () =>
    same(['updateTopic', '-b', '<broker>', '-t', 'Ordered', '-o', 'true'], /set broker orderConf/))

  test('clusterList', () => same(['clusterList'], /DefaultCluster broker-a 0 <broker> <version> <tps> <tps>/))

  test('topicList: the same topics, in the order of a hash set', async () => {
    const lists = await Promise.all([java, ours].map((cluster) => cluster.run(['topicList'])))
    const [fromJava, fromOurs] = lists.map((list) => list.split('\n').sort())
    ok(fromJava?.includes(TOPIC))
    deepEqual(fromOurs, fromJava)
  })

  test('topicRoute', () => same(['topicRoute', '-t', TOPIC], /"readQueueNums":6/))

  test('topicRoute as a list', () => same(['topicRoute', '-t', TOPIC, '-l'], /broker-a/))

  test('topicRoute of a topic that does not exist', async () => {
    const outputs = await Promise.all([java, ours].map((cluster) => cluster.run(['topicRoute', '-t', 'NoSuchTopic'])))
    equal(outputs[1], outputs[0])
    doesNotMatch(outputs[0]!, /queueDatas/)
  })

  test('queryMsgByKey', () => same(['queryMsgByKey', '-t', TOPIC, '-k', 'shared'], /7F0000010000AAAA0000000000000020/))

  test('queryMsgByKey of a key that nobody used', () =>
    same(['queryMsgByKey', '-t', TOPIC, '-k', 'unused'], /^(?!.*AAAA)/s))

  test('queryMsgById', async () => {
    ok(java.offsetIds.length === MESSAGES)
    await same(
      ['queryMsgById', '-i', '<id 1>'],
      /Keys: \[order-1 shared\][\s\S]*UNIQ_KEY=7F0000010000AAAA0000000000000010/,
    )
  })
})
