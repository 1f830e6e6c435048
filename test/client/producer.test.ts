import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import type { ClientError } from '../../lib/client/index.ts'
import { decodeProperties } from '../../lib/protocol/properties.ts'
import { waitFor } from '../support/wait-for.ts'
import { routeTo } from './support/fake-name-server.ts'
import { GROUP, startCluster, TOPIC } from './support/start-clients.ts'

const body = Buffer.from('hello')

const withCode = (code: string, retryable: boolean) => (error: ClientError) => {
  deepEqual([error.code, error.retryable], [code, retryable])
  return true
}

test('a message travels with the properties the Java client gives it', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  const sent = await producer.send({
    topic: TOPIC,
    body,
    tag: 'A',
    keys: ['k1', 'k2'],
    properties: { p: 'v' },
    flag: 7,
  })
  const [received] = cluster.a.sent
  const properties = decodeProperties(received!.header.properties!)
  deepEqual(Object.fromEntries(properties), {
    p: 'v',
    TAGS: 'A',
    KEYS: 'k1 k2',
    WAIT: 'true',
    UNIQ_KEY: sent.messageId,
  })
  match(sent.messageId, /^[0-9A-F]{32}$/)
  deepEqual(received!.body, body)
  const { producerGroup, flag, sysFlag, defaultTopic, defaultTopicQueueNums, bornTimestamp } = received!.header
  deepEqual([producerGroup, flag, sysFlag], [GROUP, 7, 0])
  deepEqual([defaultTopic, defaultTopicQueueNums, bornTimestamp], ['TBW102', 4, cluster.clock.nowMs()])
  deepEqual(sent, {
    status: 'SEND_OK',
    messageId: sent.messageId,
    offsetMessageId: 'A'.repeat(32),
    queue: { topic: TOPIC, brokerName: 'broker-a', queueId: 0 },
    queueOffset: 0,
  })
})

test('messages go through the queues of all brokers in turn', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  const queues: string[] = []
  for (let i = 0; i < 5; i++) {
    const { queue } = await producer.send({ topic: TOPIC, body })
    queues.push(`${queue.brokerName}:${queue.queueId}`)
  }
  deepEqual(queues, ['broker-a:0', 'broker-a:1', 'broker-b:0', 'broker-b:1', 'broker-a:0'])
})

test('a send that a broker refuses goes to another broker', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  cluster.a.sendAnswers.push('SYSTEM_BUSY')
  const { queue } = await producer.send({ topic: TOPIC, body })
  equal(queue.brokerName, 'broker-b')
})

test('a send to a broker that is gone goes to another broker', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  await cluster.a[Symbol.asyncDispose]()
  const { queue } = await producer.send({ topic: TOPIC, body })
  equal(queue.brokerName, 'broker-b')
})

test('after three attempts a send fails, as retryable as its last failure', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  cluster.a.sendAnswers.push('SYSTEM_BUSY', 'SYSTEM_BUSY')
  cluster.b.sendAnswers.push('SYSTEM_BUSY', 'SYSTEM_BUSY')
  await rejects(producer.send({ topic: TOPIC, body }), withCode('CLIENT_SEND_FAILED', true))
  equal(cluster.a.sendAnswers.length + cluster.b.sendAnswers.length, 1)
})

test('a refusal that another broker would repeat is not tried again', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  cluster.a.sendAnswers.push('MESSAGE_ILLEGAL')
  await rejects(producer.send({ topic: TOPIC, body }), withCode('CLIENT_SEND_FAILED', false))
  equal(cluster.b.sent.length, 0)
})

test('answers that mean stored but not as promised are statuses', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  for (const status of ['FLUSH_DISK_TIMEOUT', 'FLUSH_SLAVE_TIMEOUT', 'SLAVE_NOT_AVAILABLE'] as const) {
    cluster.a.sendAnswers.push(status)
    const queue = { topic: TOPIC, brokerName: 'broker-a', queueId: 1 }
    equal((await producer.send({ topic: TOPIC, body }, { queue })).status, status)
  }
})

test('a topic without a route goes where the model topic is, until the name server knows it', async () => {
  await using cluster = await startCluster()
  const { nameServer, a, b, clock } = cluster
  nameServer.routes.set('TBW102', routeTo([b], 8, 7))
  await using producer = cluster.producer()
  await producer.start()
  const { queue } = await producer.send({ topic: 'New', body })
  equal(queue.brokerName, 'broker-b')
  const choices: number[] = []
  await producer.send({ topic: 'New', body }, { selector: (queues) => queues[choices.push(queues.length) - 1]! })
  deepEqual(choices, [4])
  nameServer.routes.set('New', routeTo([a], 1))
  clock.advance(30_000)
  await waitFor('the new route', async () => {
    const now = await producer.send({ topic: 'New', body })
    return now.queue.brokerName === 'broker-a'
  })
})

test('without route and model there is no route', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  await rejects(producer.send({ topic: 'New', body }), withCode('CLIENT_NO_ROUTE', true))
})

test('the next name server is asked when one does not answer', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer({ nameServers: ['127.0.0.1:1', cluster.nameServer.address] })
  await producer.start()
  equal((await producer.send({ topic: TOPIC, body })).status, 'SEND_OK')
})

test('start fails without a name server, and can be called again', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer({ nameServers: ['127.0.0.1:1'] })
  await rejects(producer.start(), withCode('CLIENT_NO_NAME_SERVER', true))
  await rejects(producer.start(), withCode('CLIENT_NO_NAME_SERVER', true))
})

test('large bodies are compressed', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  const large = Buffer.alloc(4_096, 'x')
  await producer.send({ topic: TOPIC, body: large })
  const [sent] = cluster.a.sent
  equal(sent!.header.sysFlag & 1, 1)
  deepEqual(inflateSync(sent!.body), large)
})

test('messages that no broker would take are refused here', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer({ maxMessageBytes: 10 })
  await producer.start()
  const bad = [
    { topic: '../x', body },
    { topic: 'x'.repeat(128), body },
    { topic: 'SCHEDULE_TOPIC_XXXX', body },
    { topic: TOPIC, body: Buffer.alloc(0) },
    { topic: TOPIC, body: Buffer.alloc(11) },
    { topic: TOPIC, body, properties: { 'a\u0001b': 'v' } },
    { topic: TOPIC, body, properties: { a: 'v\u0002' } },
    { topic: TOPIC, body, properties: { UNIQ_KEY: 'mine' } },
    { topic: TOPIC, body, properties: { a: 'v'.repeat(32_768) } },
    { topic: TOPIC, body, keys: ['two words'] },
    { topic: TOPIC, body, tag: '' },
    { topic: TOPIC, body, flag: 2 ** 31 },
  ]
  for (const message of bad) await rejects(producer.send(message), withCode('CLIENT_MESSAGE_INVALID', false))
  equal(cluster.a.sent.length + cluster.b.sent.length, 0)
})

test('a send ends when its time is over', async () => {
  await using cluster = await startCluster()
  const sockets = new Set<{ destroy(): void }>()
  const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const { port } = silent.address() as { port: number }
  const route = routeTo([cluster.a], 1)
  const brokerDatas = [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: new Map([[0, `127.0.0.1:${port}`]]) }]
  cluster.nameServer.routes.set(TOPIC, { ...route, brokerDatas })
  const producer = cluster.producer()
  await producer.start()
  const late = rejects(producer.send({ topic: TOPIC, body }, { timeoutMs: 500 }), withCode('CLIENT_TIMEOUT', true))
  const stopWaiting = new AbortController()
  const aborted = rejects(
    producer.send({ topic: TOPIC, body }, { signal: stopWaiting.signal }),
    withCode('CLIENT_ABORTED', false),
  )
  await waitFor('a connection', () => sockets.size > 0)
  stopWaiting.abort()
  await aborted
  cluster.clock.advance(500)
  await late
  const stopped = producer.stop()
  cluster.clock.advance(10_000)
  for (const socket of sockets) socket.destroy()
  await stopped
  silent.close()
})

test('brokers get a heartbeat when they are first known and every 30 s, and are told of the end', async () => {
  await using cluster = await startCluster()
  const { a, b, clock } = cluster
  const producer = cluster.producer()
  await producer.start()
  await producer.send({ topic: TOPIC, body })
  await waitFor('first heartbeats', () => a.heartbeats.length === 1 && b.heartbeats.length === 1)
  deepEqual(a.heartbeats[0], {
    clientID: producer.clientId,
    producerDataSet: [{ groupName: GROUP }],
    consumerDataSet: [],
  })
  match(producer.clientId, /^[\d.]+@\d+#[0-9a-f]{16}$/)
  clock.advance(30_000)
  await waitFor('second heartbeats', () => a.heartbeats.length === 2 && b.heartbeats.length === 2)
  await producer.stop()
  deepEqual(a.unregistered, [{ clientID: producer.clientId, producerGroup: GROUP }])
  equal(clock.timers, 0)
  await rejects(producer.send({ topic: TOPIC, body }), withCode('CLIENT_STOPPED', false))
})

test('stop waits for messages being sent', async () => {
  await using cluster = await startCluster()
  const producer = cluster.producer()
  await producer.start()
  const sending = producer.send({ topic: TOPIC, body })
  await producer.stop()
  equal((await sending).status, 'SEND_OK')
})

test('a oneway message arrives', async () => {
  await using cluster = await startCluster()
  await using producer = cluster.producer()
  await producer.start()
  await producer.sendOneway({ topic: TOPIC, body })
  await waitFor('the message', () => cluster.a.sent.length === 1)
})
