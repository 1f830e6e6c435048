import { deepEqual, equal, ok } from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../lib/base/clock.ts'
import { silentLogger } from '../../../lib/base/logging.ts'
import { Registration } from '../../../lib/broker/registration/registration.ts'
import { TopicTable } from '../../../lib/broker/topics/topic-table.ts'
import { RemotingClient } from '../../../lib/net/client.ts'
import { topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { freePort } from '../../support/ports.ts'
import { waitFor } from '../../support/wait-for.ts'
import { atEnd, tableOptions } from '../support/fixtures.ts'
import { type RecordingNameServer, startRecordingNameServer } from '../support/name-server.ts'

const broker = {
  brokerName: 'broker-a',
  clusterName: 'DefaultCluster',
  brokerId: 0,
  brokerAddr: '127.0.0.1:10911',
  haServerAddr: '127.0.0.1:10912',
}

const setUp = async (t: TestContext, addresses: readonly string[], properties: Record<string, string> = {}) => {
  const options = await tableOptions(t, { namesrvAddr: addresses.join(';'), ...properties })
  const topics = await TopicTable.load(options)
  atEnd(t, () => topics.stop())
  const client = new RemotingClient({ clock: systemClock, logger: silentLogger })
  atEnd(t, () => client.stop())
  return { ...options, topics, registration: new Registration({ ...options, topics, client, broker }) }
}

const namesOf = ({ registrations }: RecordingNameServer): string[][] =>
  registrations.map(({ topics }) => topics.map(({ topicName }) => topicName))

test('all topics are told to every name server at start', async (t) => {
  const servers = [await startRecordingNameServer(t), await startRecordingNameServer(t)]
  const { registration, topics } = await setUp(
    t,
    servers.map(({ address }) => address),
  )
  await registration.start()
  const all = [...topics.all()].map(({ topicName }) => topicName)
  for (const server of servers) deepEqual(namesOf(server), [all])
  equal(registration.inSync, 2)
  await registration.stop()
})

test('a name server that is down holds nobody up and is told everything later', async (t) => {
  const port = await freePort()
  const alive = await startRecordingNameServer(t)
  const { registration } = await setUp(t, [`127.0.0.1:${port}`, alive.address])
  await registration.start()
  deepEqual([alive.registrations.length, registration.inSync], [1, 1])
  await registration.stop()
})

test('a name server that does not answer holds up only itself', async (t) => {
  const [deaf, alive] = [await startRecordingNameServer(t), await startRecordingNameServer(t)]
  deaf.isDeaf = true
  const { registration, topics } = await setUp(t, [deaf.address, alive.address], { registerBrokerTimeoutMills: '500' })
  const started = registration.start()
  await waitFor('the first registration', () => alive.registrations.length === 1)
  topics.update(topicConfig('New'))
  await waitFor('the change', () => alive.registrations.length === 2)
  equal(deaf.registrations.length, 0)
  await started
  await registration.stop()
})

test('a changed topic is told alone, changes of one turn together', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration, topics } = await setUp(t, [server.address])
  await registration.start()
  topics.update(topicConfig('A'))
  topics.update(topicConfig('B'))
  await registration.settled()
  topics.update(topicConfig('C'))
  await registration.settled()
  deepEqual(namesOf(server).slice(1), [['A', 'B'], ['C']])
  await registration.stop()
})

test('after a failed registration the next one tells everything', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration, topics } = await setUp(t, [server.address], { registerBrokerTimeoutMills: '200' })
  await registration.start()
  server.isDeaf = true
  topics.update(topicConfig('A'))
  await registration.settled()
  equal(registration.inSync, 0)
  server.isDeaf = false
  topics.update(topicConfig('B'))
  await registration.settled()
  const last = namesOf(server).at(-1)!
  ok(last.includes('A') && last.includes('B') && last.includes('TBW102'))
  await registration.stop()
})

test('registration is repeated after 10 s and then every 30 s', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration, clock } = await setUp(t, [server.address])
  await registration.start()
  for (const [advanceMs, expected] of [
    [10_000, 2],
    [30_000, 3],
    [29_999, 3],
    [1, 4],
  ] as const) {
    clock.advance(advanceMs)
    await registration.settled()
    equal(server.registrations.length, expected)
  }
  await registration.stop()
})

test('without forceRegister an unchanged version is only asked about', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration, clock, topics } = await setUp(t, [server.address], { forceRegister: 'false' })
  await registration.start()
  clock.advance(10_000)
  await registration.settled()
  deepEqual([server.versionQueries.length, server.registrations.length], [1, 1])
  topics.delete('BenchmarkTest')
  clock.advance(30_000)
  await registration.settled()
  deepEqual([server.versionQueries.length, server.registrations.length], [2, 2])
  await registration.stop()
})

test('a broker that may not be written announces its topics so', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration } = await setUp(t, [server.address], { brokerPermission: '4' })
  await registration.start()
  ok(server.registrations[0]?.topics.every(({ perm }) => perm === 4))
  await registration.stop()
})

test('a compressed registration is read as the plain one', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration, topics } = await setUp(t, [server.address], { compressedRegister: 'true' })
  await registration.start()
  equal(server.registrations[0]?.topics.length, topics.size)
  await registration.stop()
})

test('topics become ordered as the name server says', async (t) => {
  const server = await startRecordingNameServer(t)
  server.ordered.set('BenchmarkTest', 'broker-a:4')
  const { registration, topics } = await setUp(t, [server.address])
  await registration.start()
  equal(topics.get('BenchmarkTest')?.order, true)
  equal(registration.master.masterAddr, broker.brokerAddr)
  await registration.stop()
})

test('the broker unregisters everywhere when it stops, once', async (t) => {
  const servers = [await startRecordingNameServer(t), await startRecordingNameServer(t)]
  const { registration, clock } = await setUp(
    t,
    servers.map(({ address }) => address),
  )
  await registration.start()
  await registration.stop()
  await registration.stop()
  clock.advance(60_000)
  for (const server of servers) {
    deepEqual(server.unregistered, [broker.brokerAddr])
    equal(server.registrations.length, 1)
  }
})

test('the time between registrations stays between 10 s and 60 s', async (t) => {
  for (const [configured, actual] of [
    ['1', 10_000],
    ['20000', 20_000],
    ['999999', 60_000],
  ] as const) {
    const server = await startRecordingNameServer(t)
    const { registration, clock } = await setUp(t, [server.address], { registerNameServerPeriod: configured })
    await registration.start()
    clock.advance(10_000)
    await registration.settled()
    clock.advance(actual - 1)
    await registration.settled()
    equal(server.registrations.length, 2)
    clock.advance(1)
    await registration.settled()
    equal(server.registrations.length, 3)
    await registration.stop()
  }
})

test('name servers that are added at run time are told everything, and those taken away nothing more', async (t) => {
  const [first, second] = [await startRecordingNameServer(t), await startRecordingNameServer(t)]
  const { registration, config, topics, clock } = await setUp(t, [first.address])
  await registration.start()
  config.update(new Map([['namesrvAddr', `${first.address};${second.address}`]]))
  await registration.settled()
  deepEqual([first.registrations.length, second.registrations.length, registration.inSync], [1, 1, 2])
  equal(second.registrations[0]?.topics.length, topics.size)
  config.update(new Map([['namesrvAddr', second.address]]))
  topics.update(topicConfig('A'))
  await registration.settled()
  clock.advance(10_000)
  await registration.settled()
  deepEqual([first.registrations.length, second.registrations.length], [1, 3])
  deepEqual(registration.nameServers, [second.address])
  await registration.stop()
  deepEqual([first.unregistered.length, second.unregistered.length], [0, 1])
})

test('with an address server the broker registers with the name servers that it names', async (t) => {
  const [first, second] = [await startRecordingNameServer(t), await startRecordingNameServer(t)]
  let answer = first.address
  const http = createServer((_, response) => void response.end(answer))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  atEnd(t, async () => {
    http.closeAllConnections()
    http.close()
  })
  const { port } = http.address() as { port: number }
  const { registration, clock } = await setUp(t, [], {
    fetchNamesrvAddrByAddressServer: 'true',
    rmqAddressServerDomain: `127.0.0.1:${port}`,
  })
  await registration.start()
  equal(first.registrations.length, 1)
  answer = `${first.address};${second.address}`
  clock.advance(10_000)
  await waitFor('the new name server', () => second.registrations.length === 1)
  await registration.settled()
  deepEqual(registration.nameServers, [first.address, second.address])
  await registration.stop()
  deepEqual([first.unregistered.length, second.unregistered.length], [1, 1])
})

test('an address server that does not answer leaves the broker alone until it does', async (t) => {
  const { registration } = await setUp(t, [], {
    fetchNamesrvAddrByAddressServer: 'true',
    rmqAddressServerDomain: `127.0.0.1:${await freePort()}`,
  })
  await registration.start()
  deepEqual(registration.nameServers, [])
  await registration.stop()
})

test('name servers that are configured go before an address server', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration } = await setUp(t, [server.address], {
    fetchNamesrvAddrByAddressServer: 'true',
    rmqAddressServerDomain: `127.0.0.1:${await freePort()}`,
  })
  await registration.start()
  deepEqual(registration.nameServers, [server.address])
  await registration.stop()
})

test('with enableSingleTopicRegister changed topics are told one by one, with the broker\u2019s permission', async (t) => {
  const server = await startRecordingNameServer(t)
  const { registration, topics } = await setUp(t, [server.address], {
    enableSingleTopicRegister: 'true',
    brokerPermission: '4',
  })
  await registration.start()
  topics.update(topicConfig('A', { readQueueNums: 3, writeQueueNums: 2 }))
  topics.update(topicConfig('B'))
  await registration.settled()
  equal(server.registrations.length, 1)
  deepEqual(
    server.singleTopics.map(({ topic }) => topic),
    ['A', 'B'],
  )
  deepEqual(server.singleTopics[0]?.queues, [
    { brokerName: 'broker-a', readQueueNums: 3, writeQueueNums: 2, perm: 4, topicSysFlag: 0 },
  ])
  await registration.stop()
})
