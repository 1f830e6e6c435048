import { deepEqual, equal } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { silentLogger } from '../../lib/base/logging.ts'
import {
  type OutgoingMessage,
  Producer,
  PushConsumer,
  type PushConsumerOptions,
  type ReceivedMessage,
} from '../../lib/client/index.ts'
import type { ReceivedMessage as JavaMessage } from '../support/java-client.ts'
import { type ClientDriver, startClientDriver } from '../support/java-peers.ts'
import { waitFor } from '../support/wait-for.ts'
import { assertEachOnce, bodyOf, makeMessages } from './support/messages.ts'
import { javaPair, ourPair, type PairKind, type ServerPair, skipWithoutJava, underTest } from './support/pairs.ts'

const COUNT = 60

/** Our producer's form of what the Java driver is given. */
const ours = (topic: string, prefix: string, count = COUNT): readonly OutgoingMessage[] =>
  makeMessages(prefix, count).map(({ body, keys, tags, flag, properties }) => ({
    topic,
    body,
    keys: [keys!],
    tag: tags!,
    flag: flag!,
    properties: properties!,
  }))

/** What our consumer got, in the form of what the Java driver gets. */
const asJava = ({ body, keys, tag, flag, properties }: ReceivedMessage): JavaMessage =>
  ({
    body: body.toString('base64'),
    keys: keys.join(' '),
    tags: tag,
    flag,
    properties: Object.fromEntries(properties),
  }) as JavaMessage

const describePair = (kind: PairKind): void => {
  describe(`our client with ${kind.name}`, { skip: skipWithoutJava() }, () => {
    let pair: ServerPair
    let driver: ClientDriver
    let names = 0

    before(async () => {
      pair = await kind.start()
      driver = await startClientDriver({ clientVersion: '4.9.8' })
    })

    after(async () => {
      await driver?.stop()
      await pair?.stop()
    })

    const name = (stem: string): string => `${stem}-ours-${names++}`
    const common = () => ({ nameServers: [pair.namesrvAddress], logger: silentLogger })

    const sendOurs = async (messages: readonly OutgoingMessage[]): Promise<void> => {
      await using producer = new Producer({ ...common(), group: name('producer') })
      await producer.start()
      const sent = await Promise.all(messages.map((message) => producer.send(message)))
      equal(new Set(sent.map(({ messageId }) => messageId)).size, messages.length)
      for (const { status } of sent) equal(status, 'SEND_OK')
    }

    const sendJava = async (topic: string, messages: ReturnType<typeof makeMessages>): Promise<void> => {
      const settings = {
        name: name('java-producer'),
        group: name('java-producer'),
        namesrvAddress: pair.namesrvAddress,
      }
      await driver.createProducer(settings)
      await driver.send(settings.name, topic, 'sync', messages)
      await driver.stopProducer(settings.name)
    }

    const consume = async (
      group: string,
      topic: string,
      received: ReceivedMessage[],
      options: Partial<PushConsumerOptions> & { tags?: string } = {},
    ): Promise<PushConsumer> => {
      const { tags = '*', ...more } = options
      const consumer = new PushConsumer({ ...common(), group, consumeFrom: 'first', ...more })
      consumer.subscribe(topic, tags)
      await consumer.start((message) => void received.push(message))
      return consumer
    }

    test('what it sends it receives, once, with all it had', async () => {
      const topic = name('own')
      const received: ReceivedMessage[] = []
      await using _ = await consume(name('group'), topic, received)
      await sendOurs(ours(topic, topic))
      await waitFor('all messages', () => received.length >= COUNT)
      assertEachOnce(makeMessages(topic, COUNT), received.map(asJava))
    })

    test('a body over 4 KiB travels compressed and arrives as it was', async () => {
      const topic = name('large')
      const body = Buffer.concat([bodyOf(topic, 3_000), Buffer.alloc(100_000, 'x')])
      const received: ReceivedMessage[] = []
      await using _ = await consume(name('group'), topic, received)
      await sendOurs([{ topic, body }])
      await waitFor('the message', () => received.length === 1)
      deepEqual(received[0]!.body, body)
      const java: JavaMessage[] = []
      const settings = { name: name('java'), group: name('java'), namesrvAddress: pair.namesrvAddress }
      await driver.createPullConsumer(settings)
      for (const queue of await driver.subscribeQueues(settings.name, topic)) {
        java.push(...((await driver.drain(settings.name, queue)).messages ?? []))
      }
      await driver.stopPullConsumer(settings.name)
      deepEqual(
        java.map((message) => [message.body, message.sysFlag & 1]),
        [[body.toString('base64'), 1]],
      )
    })

    test('what it sends a Java consumer receives', async () => {
      const topic = name('to-java')
      await sendOurs(ours(topic, topic))
      const settings = { name: name('java'), group: name('java'), namesrvAddress: pair.namesrvAddress }
      await driver.startPushConsumer({ ...settings, topic })
      await waitFor('all messages', async () => (await driver.collectedCount(settings.name)) >= COUNT)
      assertEachOnce(makeMessages(topic, COUNT), await driver.collected(settings.name))
      await driver.stopPushConsumer(settings.name)
    })

    test('what a Java producer sends it receives', async () => {
      const topic = name('from-java')
      await sendJava(topic, makeMessages(topic, COUNT))
      const received: ReceivedMessage[] = []
      await using _ = await consume(name('group'), topic, received)
      await waitFor('all messages', () => received.length >= COUNT)
      assertEachOnce(makeMessages(topic, COUNT), received.map(asJava))
    })

    test('it receives the tags it asked for', async () => {
      const topic = name('tags')
      await sendOurs(ours(topic, topic))
      const wanted = makeMessages(topic, COUNT).filter(({ tags }) => tags !== 'TagB')
      const received: ReceivedMessage[] = []
      await using _ = await consume(name('group'), topic, received, { tags: 'TagA || TagC' })
      await waitFor('all messages', () => received.length >= wanted.length)
      assertEachOnce(wanted, received.map(asJava))
    })

    test('it shares a group with a Java consumer: every message goes to one of them', async () => {
      const topic = name('shared')
      await sendOurs(ours(topic, 'before', 1))
      const group = name('shared-group')
      const received: ReceivedMessage[] = []
      const consumer = await consume(group, topic, received)
      await waitFor('the first message', () => received.length === 1)
      const settings = { name: name('java'), group, namesrvAddress: pair.namesrvAddress }
      await driver.startPushConsumer({ ...settings, topic })
      await waitFor('two queues each', async () => {
        const javas = await driver.assigned(settings.name, topic)
        const its = consumer.assignedQueues.filter((queue) => queue.topic === topic)
        return javas.length === 2 && its.length === 2
      })
      await sendOurs(ours(topic, topic))
      const all = async () => [...received.slice(1).map(asJava), ...(await driver.collected(settings.name))]
      await waitFor('all messages', async () => (await all()).length >= COUNT)
      assertEachOnce(makeMessages(topic, COUNT), await all())
      await consumer.stop()
      await waitFor('the Java consumer to have all queues', async () => {
        return (await driver.assigned(settings.name, topic)).length === 4
      })
      await driver.stopPushConsumer(settings.name)
    })

    test('a group goes on where it stopped', async () => {
      const topic = name('goes-on')
      const group = name('goes-on-group')
      await sendOurs(ours(topic, 'before'))
      const before: ReceivedMessage[] = []
      const first = await consume(group, topic, before)
      await waitFor('all messages', () => before.length >= COUNT)
      await first.stop()
      await sendOurs(ours(topic, 'after'))
      const then: ReceivedMessage[] = []
      await using _ = await consume(group, topic, then)
      await waitFor('the rest', () => then.length >= COUNT)
      assertEachOnce(makeMessages('after', COUNT), then.map(asJava))
    })
  })
}

describePair(underTest(ourPair))
describePair(javaPair)
