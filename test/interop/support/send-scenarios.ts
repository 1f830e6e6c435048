import { deepEqual, equal, ok } from 'node:assert/strict'
import type { OutgoingMessage } from '../../support/java-client.ts'
import { createTopic } from '../../support/raw-topics.ts'
import { waitFor } from '../../support/wait-for.ts'
import { assertEachOnce, assertSame, bodyOf, makeMessages } from './messages.ts'
import type { Scenario } from './scenario.ts'

const distinct = (values: readonly string[]): number => new Set(values).size

export const syncSend: Scenario = {
  name: 'sync sends to a topic that does not exist yet create it and are all stored once',
  async run(stage) {
    const topic = stage.name('AutoCreated')
    const producer = await stage.producer({ topicQueues: 4 })
    const sent = makeMessages(topic, 40)
    const results = await stage.driver.send(producer, topic, 'sync', sent)
    ok(results.every((result) => result.status === 'SEND_OK' && result.regionId === 'DefaultRegion'))
    equal(distinct(results.map((result) => result.offsetMsgId)), sent.length)
    equal(distinct(results.map((result) => result.msgId)), sent.length)
    const consumer = await stage.pullConsumer()
    deepEqual(
      (await stage.queues(consumer, topic)).map((queue) => queue.queueId),
      [0, 1, 2, 3],
    )
    const received = await stage.read(consumer, topic, sent.length)
    assertEachOnce(sent, received)
    const places = (from: readonly { queueId: number; queueOffset: number; msgId: string; offsetMsgId: string }[]) =>
      from.map(({ queueId, queueOffset, msgId, offsetMsgId }) => ({ queueId, queueOffset, msgId, offsetMsgId }))
    const order = (a: { msgId: string }, b: { msgId: string }) => a.msgId.localeCompare(b.msgId)
    deepEqual(places(received).sort(order), places(results).sort(order))
  },
}

export const asyncSend: Scenario = {
  name: 'async sends in flight together are all answered and stored once',
  async run(stage) {
    const topic = stage.name('Async')
    await createTopic(stage.pair, topic)
    const sent = makeMessages(topic, 200)
    const results = await stage.driver.send(await stage.producer(), topic, 'async', sent)
    ok(results.every((result) => result.status === 'SEND_OK'))
    equal(distinct(results.map((result) => `${result.queueId}:${result.queueOffset}`)), sent.length)
    assertEachOnce(sent, await stage.read(await stage.pullConsumer(), topic, sent.length))
  },
}

export const onewaySend: Scenario = {
  name: 'oneway sends are stored once without an answer',
  async run(stage) {
    const topic = stage.name('Oneway')
    await createTopic(stage.pair, topic)
    const sent = makeMessages(topic, 60)
    deepEqual(await stage.driver.send(await stage.producer(), topic, 'oneway', sent), [])
    const consumer = await stage.pullConsumer()
    assertEachOnce(sent, await stage.read(consumer, topic, sent.length))
  },
}

export const batchSend: Scenario = {
  name: 'a batch is stored as single messages that follow each other in one queue',
  async run(stage) {
    const topic = stage.name('Batch')
    await createTopic(stage.pair, topic)
    const producer = await stage.producer()
    const sent = makeMessages(topic, 50)
    const [result] = await stage.driver.send(producer, topic, 'batch', sent)
    equal(result?.status, 'SEND_OK')
    equal(distinct(result!.msgId.split(',')), sent.length)
    equal(distinct(result!.offsetMsgId.split(',')), sent.length)
    const received = await stage.read(await stage.pullConsumer(), topic, sent.length)
    assertEachOnce(sent, received)
    deepEqual(
      received.map((message) => [message.queueId, message.queueOffset, message.keys, message.offsetMsgId]),
      sent.map(({ keys }, index) => [result!.queueId, index, keys, result!.offsetMsgId.split(',')[index]]),
    )
  },
}

export const selectorSend: Scenario = {
  name: 'a queue selector decides the queue, and the order within a queue is the order of sending',
  async run(stage) {
    const topic = stage.name('Selector')
    await createTopic(stage.pair, topic, 6)
    const sent = makeMessages(topic, 60)
    const selectorArgs = sent.map((_, index) => (index * 7) % 13)
    const results = await stage.driver.send(await stage.producer(), topic, 'selector', sent, { selectorArgs })
    deepEqual(
      results.map((result) => result.queueId),
      selectorArgs.map((arg) => arg % 6),
    )
    const received = await stage.read(await stage.pullConsumer(), topic, sent.length)
    assertEachOnce(sent, received)
    for (let queueId = 0; queueId < 6; queueId++) {
      deepEqual(
        received.filter((message) => message.queueId === queueId).map((message) => message.keys),
        sent.filter((_, index) => selectorArgs[index]! % 6 === queueId).map((message) => message.keys),
      )
    }
  },
}

export const largeBodies: Scenario = {
  name: 'large bodies, compressed by the client or not, come back byte for byte',
  async run(stage) {
    const topic = stage.name('Large')
    await createTopic(stage.pair, topic, 1)
    const sent: readonly OutgoingMessage[] = [
      { keys: 'compressible', body: Buffer.alloc(300_000, 'abcdefgh ') },
      { keys: 'incompressible', body: bodyOf(topic, 1_500_000) },
      { keys: 'one-byte', body: Buffer.from([0]) },
    ]
    const producer = await stage.producer({ compressOverBytes: 4096 })
    const results = await stage.driver.send(producer, topic, 'sync', sent)
    ok(results.every((result) => result.status === 'SEND_OK'))
    const received = await stage.read(await stage.pullConsumer(), topic, sent.length)
    assertEachOnce(sent, received)
    const compressible = received.find((message) => message.keys === 'compressible')!
    ok(compressible.storeSizeBytes < 10_000, 'the stored record is compressed')
  },
}

export const vipChannelSend: Scenario = {
  name: 'a producer on the VIP channel, two ports below, is served alike',
  async run(stage) {
    const topic = stage.name('Vip')
    await createTopic(stage.pair, topic, 1)
    const sent = makeMessages(topic, 5)
    const results = await stage.driver.send(await stage.producer({ vipChannel: true }), topic, 'sync', sent)
    ok(results.every((result) => result.status === 'SEND_OK'))
    assertEachOnce(sent, await stage.read(await stage.pullConsumer(), topic, sent.length))
  },
}

export const queryByKeyAndId: Scenario = {
  name: 'a message is found by each of its keys, by its unique key and by its offset id',
  async run(stage) {
    const topic = stage.name('Query')
    await createTopic(stage.pair, topic)
    const beginTimestampMs = Date.now() - 60_000
    const sent = makeMessages(topic, 20).map((message, index) => ({
      ...message,
      keys: `${message.keys} second-${index} shared`,
    }))
    const results = await stage.driver.send(await stage.producer(), topic, 'sync', sent)
    const consumer = await stage.pullConsumer()
    const within = { beginTimestampMs, endTimestampMs: Date.now() + 60_000 }
    const byShared = await waitFor('the index of all messages', async () => {
      const found = await stage.driver.queryByKey(consumer, topic, 'shared', within)
      return found.length >= sent.length && found
    })
    assertEachOnce(sent, byShared)
    for (const [index, message] of sent.slice(0, 5).entries()) {
      const [found, ...others] = await stage.driver.queryByKey(consumer, topic, `second-${index}`, within)
      equal(others.length, 0)
      assertSame(message, found!)
      const byOffsetId = await stage.driver.viewMessage(consumer, topic, results[index]!.offsetMsgId)
      assertSame(message, byOffsetId!)
      const byUniqueKey = await stage.driver.viewMessage(consumer, topic, results[index]!.msgId)
      assertSame(message, byUniqueKey!)
      equal(byUniqueKey?.queueOffset, results[index]!.queueOffset)
    }
    const outside = { beginTimestampMs: 1, endTimestampMs: beginTimestampMs }
    const none = await stage.driver.queryByKey(consumer, topic, 'shared', outside).catch(() => [])
    deepEqual(none, [])
  },
}
