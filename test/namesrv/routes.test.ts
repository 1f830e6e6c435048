import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../lib/base/logging.ts'
import { RouteTables } from '../../lib/namesrv/route-tables.ts'
import type { Connection } from '../../lib/net/connection.ts'
import { encodeDataVersion } from '../../lib/protocol/bodies/data-version.ts'
import { topicConfig } from '../../lib/protocol/bodies/topic-config.ts'
import { encodeFrame } from '../../lib/protocol/frame.ts'
import { Peer } from '../net/net-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait-for.ts'
import { identity, json, register, runNameServer, temporaryFolder, text, topicsOf } from './namesrv-harness.ts'

const route = (client: RawClient, topic: string, extFields: Record<string, string> = {}) =>
  client.request({ code: 105, extFields: { topic, ...extFields } })

test('a registered topic is routed in standard JSON to clients that can read it, and in the old form to others', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  equal((await register(running.client)).code, 0)
  const standard =
    '{"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911"},"brokerName":"broker-a","cluster":"DefaultCluster"}],' +
    '"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}'
  equal(text(await route(running.client, 'T')), standard)
  using old = await Peer.connect(running.nameServer.port)
  const ask = (opaque: number, extFields: [string, string][]) =>
    encodeFrame({ code: 105, opaque, flag: 0, version: 317, extFields: new Map([['topic', 'T'], ...extFields]) })
  old.socket.write(Buffer.concat([ask(1, []), ask(2, [['acceptStandardJsonOnly', 'true']])]))
  const [bare, asked] = await waitFor('two answers', () => old.frames().length === 2 && old.frames())
  equal(bare!.body.toString(), standard.replace('"0":', '0:'))
  equal(asked!.body.toString(), standard)
})

test('a topic nobody has is TOPIC_NOT_EXIST in the words clients know', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  const reply = await route(running.client, 'none')
  deepEqual(
    [reply.code, reply.remark],
    [
      17,
      'No topic route info in name server for the topic: none\n' +
        'See http://rocketmq.apache.org/docs/faq/ for further details.',
    ],
  )
})

test('a slave learns its master and adds no topics; a slave that becomes master leaves its old id', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  await register(running.client)
  const slave = { brokerAddr: '10.0.0.2:10911', brokerId: 1, topics: ['OnlyAtSlave'] }
  const reply = await register(running.client, slave)
  deepEqual({ ...reply.extFields }, { haServerAddr: '10.0.0.1:10912', masterAddr: '10.0.0.1:10911' })
  deepEqual(topicsOf(await running.client.request({ code: 206 })), ['T'])
  await running.client.request({ code: 104, extFields: identity({}) })
  await register(running.client, { ...slave, brokerId: 0 })
  const cluster = text(await running.client.request({ code: 106 }))
  equal(
    cluster,
    '{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster"}},' +
      '"clusterAddrTable":{"DefaultCluster":["broker-a"]}}',
  )
})

test('topics are read again only when the data version changed', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  await register(running.client, { topics: ['A'] })
  await register(running.client, { topics: ['A', 'B'] })
  deepEqual(topicsOf(await running.client.request({ code: 206 })), ['A'])
  await register(running.client, { topics: ['A', 'B'], counter: 2 })
  deepEqual(topicsOf(await running.client.request({ code: 206 })), ['A', 'B'])
})

test('a compressed registration means the same, and a wrong checksum is refused', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  equal((await register(running.client, { topics: ['C1', 'C2'], compressed: true })).code, 0)
  deepEqual(topicsOf(await running.client.request({ code: 206 })), ['C1', 'C2'])
  const bad = await running.client.request({
    code: 103,
    extFields: { ...identity({}), haServerAddr: 'x:1', bodyCrc32: '7' },
    body: Buffer.from('{}'),
  })
  deepEqual([bad.code, bad.remark], [1, 'crc32 not match'])
  const noise = await running.client.request({
    code: 103,
    extFields: { ...identity({}), haServerAddr: 'x:1', compressed: 'true' },
    body: Buffer.from('no zlib'),
  })
  equal(noise.code, 1)
})

test('the data version query says what is known, and keeps an unchanged broker alive', async () => {
  await using folder = await temporaryFolder()
  const clock = new ManualClock()
  await using running = await runNameServer(folder.path, { serverChannelMaxIdleTimeSeconds: '100000' }, { clock })
  const broker = await RawClient.connect(running.nameServer.address)
  const ask = (counter: number) =>
    broker.request({ code: 322, extFields: identity({}), body: encodeDataVersion({ counter, timestamp: 1_000 }) })
  const unknown = await ask(1)
  deepEqual([unknown.extFields.changed, unknown.body.length], ['true', 0])
  await register(broker)
  deepEqual((await ask(2)).extFields.changed, 'true')
  clock.advance(100_000)
  const same = await ask(1)
  deepEqual([same.extFields.changed, json(same)], ['false', { counter: 1, timestamp: 1_000 }])
  clock.advance(100_000)
  deepEqual(topicsOf(await running.client.request({ code: 206 })), ['T'])
  clock.advance(31_000)
  deepEqual(topicsOf(await running.client.request({ code: 206 })), [], 'silent for more than 120 s')
  await waitFor('the end of its connection', () => !broker.isOpen)
})

test('a broker is forgotten with its connection, unless it has come back on another one', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  const first = await RawClient.connect(running.nameServer.address)
  await register(first, { filterServers: ['10.0.0.9:1'] })
  match(text(await route(running.client, 'T')), /"filterServerTable":\{"10.0.0.1:10911":\["10.0.0.9:1"\]\}/)
  const second = await RawClient.connect(running.nameServer.address)
  await register(second)
  first.close()
  await running.client.request({ code: 206 })
  equal((await route(running.client, 'T')).code, 0)
  second.close()
  await waitFor('the route gone', async () => (await route(running.client, 'T')).code === 17)
  equal(text(await running.client.request({ code: 106 })), '{"brokerAddrTable":{},"clusterAddrTable":{}}')
})

test('unregistering the last address of a name removes its topics, one of two does not', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  await register(running.client)
  const slave = { brokerAddr: '10.0.0.2:10911', brokerId: 1 }
  await register(running.client, slave)
  await running.client.request({ code: 104, extFields: identity({}) })
  match(text(await route(running.client, 'T')), /"brokerAddrs":\{"1":"10.0.0.2:10911"\}/)
  await running.client.request({ code: 104, extFields: identity(slave) })
  equal((await route(running.client, 'T')).code, 17)
})

test('write permission is wiped and given back, counted by topic', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  await register(running.client, { topics: ['A', 'B', 'C'] })
  const perm = async () => /"perm":(\d)/.exec(text(await route(running.client, 'B')))?.[1]
  const wiped = await running.client.request({ code: 205, extFields: { brokerName: 'broker-a' } })
  deepEqual([wiped.extFields.wipeTopicCount, await perm()], ['3', '4'])
  const added = await running.client.request({ code: 327, extFields: { brokerName: 'broker-a' } })
  deepEqual([added.extFields.addTopicCount, await perm()], ['3', '6'])
  const unknown = await running.client.request({ code: 205, extFields: { brokerName: 'nobody' } })
  equal(unknown.extFields.wipeTopicCount, '0')
})

test('topics are listed by cluster, by unit flag and by system use, and deleted everywhere or in a cluster', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  const other = { clusterName: 'Other', brokerName: 'broker-b', brokerAddr: '10.0.0.3:10911' }
  await register(running.client, { topics: ['A', 'Shared'], topicSysFlag: 1 })
  await register(running.client, { ...other, topics: ['B', 'Shared'], topicSysFlag: 2 })
  const list = async (code: number, extFields: Record<string, string> = {}) =>
    topicsOf(await running.client.request({ code, extFields }))
  deepEqual(await list(224, { cluster: 'Other' }), ['B', 'Shared'])
  deepEqual(await list(224, { cluster: 'nowhere' }), [])
  deepEqual(await list(311), ['A', 'Shared'])
  deepEqual(await list(312), ['B'])
  deepEqual(await list(313), ['B'])
  const system = await running.client.request({ code: 304 })
  deepEqual(topicsOf(system), ['DefaultCluster', 'Other', 'broker-a', 'broker-b'])
  equal((json(system) as { brokerAddr: string }).brokerAddr, '10.0.0.1:10911')
  await running.client.request({ code: 216, extFields: { topic: 'Shared', clusterName: 'Other' } })
  deepEqual(await list(224, { cluster: 'Other' }), ['B'])
  deepEqual(await list(224, { cluster: 'DefaultCluster' }), ['A', 'Shared'])
  await running.client.request({ code: 216, extFields: { topic: 'Shared' } })
  deepEqual(await list(206), ['A', 'B'])
})

test('hostile names are refused or left out, and harm nothing', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  const topics = ['../x', 'a/b', 'a\\b', '..', 'x'.repeat(1000), 'with\nnewline', '\u0000', '__proto__', 'Good']
  await register(running.client, { topics })
  deepEqual(topicsOf(await running.client.request({ code: 206 })), ['Good', '__proto__'])
  for (const hostile of ['../../etc', 'a b', '', 'x\u0007y']) {
    const reply = await register(running.client, { brokerName: hostile, brokerAddr: '10.0.0.5:1' })
    deepEqual([reply.code, /is no name of a broker/.test(reply.remark ?? '')], [1, true], hostile)
  }
  equal((await register(running.client, { brokerAddr: 'no address' })).code, 1)
  equal((await running.client.request({ code: 105 })).code, 1, 'a missing field is SYSTEM_ERROR')
})

test('a request code that is not of a name server gets no answer at all', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  using peer = await Peer.connect(running.nameServer.port)
  peer.socket.write(
    Buffer.concat([encodeFrame({ code: 10, opaque: 1, flag: 0 }), encodeFrame({ code: 206, opaque: 2, flag: 0 })]),
  )
  const frames = await waitFor('an answer', () => peer.frames().length > 0 && peer.frames())
  deepEqual(
    frames.map(({ opaque }) => opaque),
    [2],
  )
})

test('name servers side by side know nothing of each other', async () => {
  await using folder = await temporaryFolder()
  await using one = await runNameServer(`${folder.path}/one`)
  await using two = await runNameServer(`${folder.path}/two`)
  await register(one.client)
  equal((await route(one.client, 'T')).code, 0)
  equal((await route(two.client, 'T')).code, 17)
})

test('topics and brokers have a limit', async () => {
  const routes = new RouteTables({
    clock: new ManualClock(),
    logger: silentLogger,
    limits: { maxTopics: 2, maxBrokers: 1 },
  })
  const connection = { onClose: () => undefined } as unknown as Connection
  const topicConfigTable = new Map(['A', 'B', 'C'].map((name) => [name, topicConfig(name)]))
  const topics = { dataVersion: { counter: 1, timestamp: 1 }, topicConfigTable }
  const broker = { clusterName: 'c', brokerName: 'b', brokerAddr: 'h:1', brokerId: 0, haServerAddr: 'h:2' }
  routes.register({ ...broker, topics, filterServers: [] }, connection)
  deepEqual(routes.topics(), ['A', 'B'])
  for (const other of [{ brokerAddr: 'h:3' }, { brokerName: 'b2' }, { clusterName: 'c2' }]) {
    throws(() => routes.register({ ...broker, ...other, topics, filterServers: [] }, connection), {
      code: 'REGISTRATION_FULL',
    })
  }
})
