import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { ReceivedMessage } from '../../lib/client/index.ts'
import { deflateBody } from '../../lib/protocol/compression.ts'
import { javaStringHash } from '../../lib/protocol/java-string-hash.ts'
import { waitFor } from '../support/wait-for.ts'
import { deferred } from './support/deferred.ts'
import { routeTo } from './support/fake-name-server.ts'
import { GROUP, startCluster, TOPIC } from './support/start-clients.ts'

const texts = (messages: readonly ReceivedMessage[]): string[] => messages.map(({ body }) => body.toString()).sort()

test('messages of all queues come, with all that was sent', async () => {
  await using cluster = await startCluster()
  const { a, b } = cluster
  a.put(TOPIC, 0, 'one', { TAGS: 'A', KEYS: 'k1 k2', UNIQ_KEY: 'id-1', p: 'v' })
  a.put(TOPIC, 1, deflateBody(Buffer.from('two')), {}, 1)
  b.put(TOPIC, 1, 'three')
  const received: ReceivedMessage[] = []
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start((message) => void received.push(message))
  await waitFor('all messages', () => received.length === 3)
  deepEqual(texts(received), ['one', 'three', 'two'])
  const one = received.find(({ body }) => body.equals(Buffer.from('one')))!
  deepEqual([one.topic, one.tag, one.keys, one.messageId], [TOPIC, 'A', ['k1', 'k2'], 'id-1'])
  deepEqual([one.queue, one.queueOffset], [{ topic: TOPIC, brokerName: 'broker-a', queueId: 0 }, 0])
  deepEqual([one.properties.get('p'), one.bornTimestampMs, one.storeTimestampMs, one.reconsumeTimes], ['v', 1, 2, 0])
  a.put(TOPIC, 0, 'four')
  await waitFor('a message that came later', () => received.length === 4)
})

test('the heartbeat says what the group wants', async () => {
  await using cluster = await startCluster()
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC, 'A || B')
  await consumer.start(() => undefined)
  const { consumerDataSet, clientID } = cluster.a.heartbeats[0]!
  equal(clientID, consumer.clientId)
  const [data] = consumerDataSet
  const subVersion = cluster.clock.nowMs()
  const common = { expressionType: 'TAG', subVersion, classFilterMode: false }
  deepEqual(data, {
    groupName: GROUP,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    subscriptionDataSet: [
      {
        ...common,
        topic: TOPIC,
        subString: 'A || B',
        tagsSet: ['A', 'B'],
        codeSet: [javaStringHash('A'), javaStringHash('B')],
      },
      { ...common, topic: `%RETRY%${GROUP}`, subString: '*', tagsSet: [], codeSet: [] },
    ],
    unitMode: false,
  })
})

test('two members share the queues, and one takes them all when the other has left', async () => {
  await using cluster = await startCluster()
  await using first = cluster.consumer()
  const second = cluster.consumer()
  for (const consumer of [first, second]) consumer.subscribe(TOPIC)
  await first.start(() => undefined)
  equal(first.assignedQueues.length, 4)
  await second.start(() => undefined)
  cluster.a.notifyMembers(GROUP)
  await waitFor('both to have two', () => first.assignedQueues.length === 2 && second.assignedQueues.length === 2)
  const all = [...first.assignedQueues, ...second.assignedQueues].map((queue) => `${queue.brokerName}:${queue.queueId}`)
  deepEqual(all.sort(), ['broker-a:0', 'broker-a:1', 'broker-b:0', 'broker-b:1'])
  await second.stop()
  deepEqual(cluster.a.unregistered, [{ clientID: second.clientId, consumerGroup: GROUP }])
  cluster.clock.advance(20_000)
  await waitFor('the first to have all', () => first.assignedQueues.length === 4)
})

test('a queue given up is committed at its first message not done', async () => {
  await using cluster = await startCluster()
  const { a, nameServer } = cluster
  nameServer.routes.set(TOPIC, routeTo([a], 2))
  for (let i = 0; i < 4; i++) a.put(TOPIC, 1, `m${i}`)
  const started: string[] = []
  await using consumer = cluster.consumer({ drainTimeoutMs: 1 })
  consumer.subscribe(TOPIC)
  const stuck = deferred()
  await consumer.start((message) => {
    started.push(message.body.toString())
    return message.queueOffset === 2 ? stuck.promise : undefined
  })
  await waitFor('all handlers', () => started.length === 4)
  // Sorted last, so that the other member gets the second queue.
  a.addMember('~')
  a.notifyMembers(GROUP)
  await waitFor('the queue to be given up', () => consumer.assignedQueues.length === 1)
  equal(a.committed(TOPIC, 1), 2)
  stuck.resolve()
})

test('a group without an offset begins where it is told to', async () => {
  await using cluster = await startCluster()
  const { a } = cluster
  for (let i = 0; i < 3; i++) a.put(TOPIC, 0, `m${i}`)
  const time = new Date(2)
  for (const [consumeFrom, expected] of [
    ['first', ['m0', 'm1', 'm2']],
    [time, ['m2']],
    ['last', []],
  ] as const) {
    a.offsets.clear()
    const received: ReceivedMessage[] = []
    const consumer = cluster.consumer({ consumeFrom })
    consumer.subscribe(TOPIC)
    await consumer.start((message) => void received.push(message))
    await waitFor('all pulls to wait', () => {
      const next = a.pulls.filter(({ topic, queueId }) => topic === TOPIC && queueId === 0).at(-1)?.queueOffset
      return next === 3
    })
    await consumer.stop()
    deepEqual(texts(received), expected)
    equal(a.committed(TOPIC, 0), 3)
    a.pulls.length = 0
  }
})

test('a group goes on where it was', async () => {
  await using cluster = await startCluster()
  const { a } = cluster
  for (let i = 0; i < 3; i++) a.put(TOPIC, 0, `m${i}`)
  a.offsets.set(`${TOPIC}:0`, 2)
  const received: ReceivedMessage[] = []
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start((message) => void received.push(message))
  await waitFor('the message', () => received.length === 1)
  deepEqual(texts(received), ['m2'])
})

test('offsets are committed every 5 s', async () => {
  await using cluster = await startCluster()
  const { a, clock } = cluster
  let done = 0
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start(() => void done++)
  a.put(TOPIC, 0, 'm')
  await waitFor('the message', () => done === 1)
  clock.advance(5_000)
  await waitFor('the commit', () => a.committed(TOPIC, 0) === 1)
})

test('a message whose handler failed comes again after a growing delay, and is not committed past', async () => {
  await using cluster = await startCluster()
  const { a, clock } = cluster
  for (let i = 0; i < 3; i++) a.put(TOPIC, 0, `m${i}`)
  const tries: number[] = []
  const others: string[] = []
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start((message) => {
    if (message.queueOffset !== 1) return void others.push(message.body.toString())
    tries.push(message.reconsumeTimes)
    if (tries.length < 3) throw new Error('not yet')
  })
  await waitFor('all first tries', () => tries.length === 1 && others.length === 2)
  clock.advance(5_000)
  await waitFor('the second try', () => tries.length === 2)
  await waitFor('the commit', () => a.committed(TOPIC, 0) === 1)
  clock.advance(1_999)
  equal(tries.length, 2)
  clock.advance(1)
  await waitFor('the third try', () => tries.length === 3)
  deepEqual(tries, [0, 1, 2])
  clock.advance(5_000)
  await waitFor('the commit behind it', () => a.committed(TOPIC, 0) === 3)
})

test('a tag that only has the same hash code is not wanted', async () => {
  await using cluster = await startCluster()
  equal(javaStringHash('Aa'), javaStringHash('BB'))
  cluster.a.put(TOPIC, 0, 'other', { TAGS: 'BB' })
  cluster.a.put(TOPIC, 0, 'none')
  cluster.a.put(TOPIC, 0, 'wanted', { TAGS: 'Aa' })
  const received: ReceivedMessage[] = []
  const consumer = cluster.consumer()
  consumer.subscribe(TOPIC, 'Aa')
  await consumer.start((message) => void received.push(message))
  await waitFor('the message', () => received.length === 1)
  await consumer.stop()
  deepEqual(texts(received), ['wanted'])
  equal(cluster.a.committed(TOPIC, 0), 3)
})

test('pulls carry the subscription and the offset to commit', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'm', { TAGS: 'A' })
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC, 'A')
  await consumer.start(() => undefined)
  const pullsOfQueue = () => cluster.a.pulls.filter(({ queueId }) => queueId === 0)
  await waitFor('two pulls', () => pullsOfQueue().length === 2)
  const [first, second] = pullsOfQueue()
  const { subscription, subVersion, expressionType, maxMsgNums, suspendTimeoutMillis } = first!
  deepEqual([subscription, subVersion, expressionType], ['A', cluster.clock.nowMs(), 'TAG'])
  deepEqual([maxMsgNums, suspendTimeoutMillis, first!.sysFlag], [32, 15_000, 6])
  ok(second!.sysFlag === 6 || second!.commitOffset === 1)
})

test('no more is taken of a queue than handlers get done', async () => {
  await using cluster = await startCluster()
  const { a, nameServer } = cluster
  nameServer.routes.set(TOPIC, routeTo([a], 1))
  for (let i = 0; i < 10; i++) a.put(TOPIC, 0, `m${i}`)
  const open: (() => void)[] = []
  let done = 0
  await using consumer = cluster.consumer({ limits: { messages: 4, batch: 2 } })
  consumer.subscribe(TOPIC)
  await consumer.start(async () => {
    await new Promise<void>((resolve) => open.push(resolve))
    done += 1
  })
  await waitFor('four handlers', () => open.length === 4)
  equal(a.pulls.length, 2)
  await waitFor('all messages', () => {
    ok(open.length <= 5)
    open.splice(0).map((resolve) => resolve())
    return done === 10
  })
})

test('at most as many handlers run as wanted', async () => {
  await using cluster = await startCluster()
  for (let i = 0; i < 10; i++) cluster.a.put(TOPIC, i % 2, `m${i}`)
  let running = 0
  let most = 0
  let done = 0
  await using consumer = cluster.consumer({ concurrency: 3 })
  consumer.subscribe(TOPIC)
  await consumer.start(async () => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    done += 1
  })
  await waitFor('all messages', () => done === 10)
  equal(most, 3)
})

test('an offset that the broker corrects is where the queue goes on', async () => {
  await using cluster = await startCluster()
  const { a, nameServer } = cluster
  nameServer.routes.set(TOPIC, routeTo([a], 1))
  for (let i = 0; i < 3; i++) a.put(TOPIC, 0, `m${i}`)
  a.movedTo = 2
  const received: ReceivedMessage[] = []
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start((message) => void received.push(message))
  await waitFor('the message', () => received.length === 1)
  deepEqual(texts(received), ['m2'])
  deepEqual(a.commits[0], { key: `${TOPIC}:0`, offset: 2 })
})

test('a topic that appears later is consumed soon', async () => {
  await using cluster = await startCluster()
  const { a, b, nameServer, clock } = cluster
  nameServer.routes.clear()
  const received: ReceivedMessage[] = []
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start((message) => void received.push(message))
  equal(consumer.assignedQueues.length, 0)
  a.put(TOPIC, 0, 'm')
  nameServer.routes.set(TOPIC, routeTo([a, b], 1))
  clock.advance(1_000)
  await waitFor('the message', () => received.length === 1)
  equal(consumer.assignedQueues.length, 2)
})

test('queues that are added to a topic are consumed, and those taken away are given up', async () => {
  await using cluster = await startCluster()
  const { a, nameServer, clock } = cluster
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start(() => undefined)
  nameServer.routes.set(TOPIC, routeTo([a], 3))
  clock.advance(30_000)
  await waitFor('three queues', () => consumer.assignedQueues.length === 3)
  deepEqual(
    consumer.assignedQueues.map(({ queueId }) => queueId),
    [0, 1, 2],
  )
})

test('messages of the retry queue show their own topic', async () => {
  await using cluster = await startCluster()
  const { a, nameServer } = cluster
  const retry = `%RETRY%${GROUP}`
  nameServer.routes.set(retry, routeTo([a], 1))
  a.put(retry, 0, 'again', { RETRY_TOPIC: TOPIC })
  const received: ReceivedMessage[] = []
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start((message) => void received.push(message))
  await waitFor('the message', () => received.length === 1)
  deepEqual([received[0]!.topic, received[0]!.queue.topic], [TOPIC, retry])
})

test('stop waits for handlers and commits what they did', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'm')
  const release = deferred()
  const entered = deferred()
  const consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start(() => {
    entered.resolve()
    return release.promise
  })
  await entered.promise
  const stopped = consumer.stop()
  cluster.a.put(TOPIC, 0, 'not taken any more')
  release.resolve()
  await stopped
  equal(cluster.a.committed(TOPIC, 0), 1)
  equal(cluster.clock.timers, 0)
})

test('stop waits no longer than its bound, and what is not done is not committed', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'm')
  const entered = deferred()
  const consumer = cluster.consumer({ drainTimeoutMs: 100 })
  consumer.subscribe(TOPIC)
  await consumer.start(() => {
    entered.resolve()
    return new Promise(() => undefined)
  })
  await entered.promise
  const stopped = consumer.stop()
  cluster.clock.advance(100)
  await stopped
  equal(cluster.a.committed(TOPIC, 0), 0)
})

test('a handler may wait for stop; its message comes again', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'm')
  const stopped = deferred()
  const consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start(async () => {
    await consumer.stop()
    stopped.resolve()
  })
  await stopped.promise
  equal(cluster.a.committed(TOPIC, 0), 0)
})

test('a handler that calls stop without waiting has done its message', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'm')
  cluster.a.put(TOPIC, 0, 'not handed out any more')
  const stopped = deferred()
  let handled = 0
  const consumer = cluster.consumer({ concurrency: 1 })
  consumer.subscribe(TOPIC)
  await consumer.start(() => {
    handled += 1
    consumer.stop().then(stopped.resolve)
  })
  await stopped.promise
  deepEqual([handled, cluster.a.committed(TOPIC, 0)], [1, 1])
})

test('a broker that lost its connections soon knows the member again', async () => {
  await using cluster = await startCluster()
  const { a, clock } = cluster
  const received: ReceivedMessage[] = []
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC)
  await consumer.start((message) => void received.push(message))
  await waitFor('the pulls', () => a.pulls.length === 2)
  a.loseConnections()
  await waitFor('the loss', () => a.members.length === 0)
  await waitFor('the member', () => {
    clock.advance(1_000)
    return a.members.includes(consumer.clientId)
  })
  a.put(TOPIC, 0, 'm')
  await waitFor('the message', () => received.length === 1)
})

test('a change of what is wanted counts at once', async () => {
  await using cluster = await startCluster()
  await using consumer = cluster.consumer()
  consumer.subscribe(TOPIC, 'A')
  await consumer.start(() => undefined)
  cluster.nameServer.routes.set('Other', routeTo([cluster.a], 1))
  cluster.clock.advance(1)
  consumer.subscribe('Other', 'B')
  await waitFor('the queue', () => consumer.assignedQueues.length === 5)
  const topics = cluster.b.heartbeats.at(-1)!.consumerDataSet[0]!.subscriptionDataSet.map(({ topic }) => topic)
  deepEqual(topics, [TOPIC, `%RETRY%${GROUP}`, 'Other'])
})

test('what cannot be is refused', async () => {
  await using cluster = await startCluster()
  const invalid = { code: 'CLIENT_OPTION_INVALID' }
  const throwing = async (make: () => unknown) => make()
  await rejects(
    throwing(() => cluster.consumer({ group: 'a b' })),
    invalid,
  )
  await rejects(
    throwing(() => cluster.consumer({ nameServers: [] })),
    invalid,
  )
  await rejects(
    throwing(() => cluster.consumer({ nameServers: ['nowhere'] })),
    invalid,
  )
  await rejects(
    throwing(() => cluster.consumer({ concurrency: 0 })),
    invalid,
  )
  const consumer = cluster.consumer()
  await rejects(
    throwing(() => consumer.subscribe('a b')),
    invalid,
  )
  await rejects(
    throwing(() => consumer.subscribe(TOPIC, '||')),
    invalid,
  )
  await rejects(
    consumer.start(() => undefined),
    { code: 'CLIENT_STATE' },
  )
  await consumer.stop()
  await rejects(
    throwing(() => consumer.subscribe(TOPIC)),
    { code: 'CLIENT_STOPPED' },
  )
})
