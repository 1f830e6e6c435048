import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBroker } from '../../lib/broker/broker.ts'
import { LogLines } from '../support/log-lines.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { freeBrokerPort } from '../support/ports.ts'
import { RawClient, type RawCommand } from '../support/raw-client.ts'
import { waitFor } from '../support/wait-for.ts'
import { heartbeatCommand, json, sendCommand, topicCommand } from './support/commands.ts'
import { testConfig, testFolder } from './support/fixtures.ts'
import { startRecordingNameServer } from './support/name-server.ts'
import { startTestBroker } from './support/test-broker.ts'

const subscription = (topic: string) => ({ topic, subString: '*', subVersion: 1, expressionType: 'TAG' })

const pull = (more: Record<string, string>): RawCommand => ({
  code: 11,
  extFields: {
    consumerGroup: 'G',
    queueId: '0',
    maxMsgNums: '1',
    sysFlag: '4',
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subVersion: '0',
    ...more,
  },
})

const queue = (code: number, more: Record<string, string> = {}): RawCommand => ({
  code,
  extFields: { topic: 'T', queueId: '0', consumerGroup: 'G', ...more },
})

test('a message sent can be found by key, by unique key and by offset', async (t) => {
  const { client } = await startTestBroker(t)
  await client.call(sendCommand('T', { properties: 'KEYS\u0001k1 k2\u0002UNIQ_KEY\u0001ABC' }))
  const find = (key: string, more: Record<string, string> = {}): RawCommand => ({
    code: 12,
    extFields: { topic: 'T', key, maxNum: '32', beginTimestamp: '0', endTimestamp: '9223372036854775807', ...more },
  })
  const byKey = await waitFor('the index', async () => {
    const reply = await client.request(find('k2'))
    return reply.code === 0 && reply
  })
  ok(byKey.body.includes('hello'))
  equal((await client.request(find('ABC', { _UNIQUE_KEY_QUERY: 'true' }))).code, 0)
  equal((await client.request(find('k3'))).code, 22)
  equal((await client.request({ code: 33, extFields: { offset: '0' } })).body.length, byKey.body.length)
  for (const offset of ['1', '-1', '9223372036854775807']) {
    equal((await client.request({ code: 33, extFields: { offset } })).code, 1)
  }
})

test('bounds and times of queues are answered, unknown queues are empty', async (t) => {
  const { client } = await startTestBroker(t)
  await client.call(sendCommand('T'))
  await waitFor('dispatch', async () => (await client.call(queue(30))).extFields.offset === '1')
  equal((await client.call(queue(31))).extFields.offset, '0')
  equal((await client.call(queue(29, { timestamp: '0' }))).extFields.offset, '0')
  // Java's answer to a time after the last message is that message.
  equal((await client.call(queue(29, { timestamp: '9223372036854775807' }))).extFields.offset, '0')
  ok(Number((await client.call(queue(32))).extFields.timestamp) > 0)
  equal((await client.call(queue(30, { topic: 'Unknown' }))).extFields.offset, '0')
  equal((await client.call(queue(32, { queueId: '77' }))).extFields.timestamp, '-1')
})

test('a group that never stored an offset starts at 0 while the queue is young, a stored one is given back', async (t) => {
  const { client } = await startTestBroker(t)
  await client.call(sendCommand('T'))
  equal((await client.call(queue(14))).extFields.offset, '0')
  equal((await client.request(queue(14, { setZeroIfNotFound: 'false' }))).code, 22)
  await client.call(queue(15, { commitOffset: '12' }))
  equal((await client.call(queue(14))).extFields.offset, '12')
})

test('an old queue that is no longer in memory tells a new group that it knows nothing', async (t) => {
  const { client } = await startTestBroker(t, {}, { memoryBytes: 100 })
  for (let sent = 0; sent < 3; sent++) await client.call(sendCommand('T'))
  await waitFor('dispatch', async () => (await client.call(queue(30))).extFields.offset === '3')
  equal((await client.request(queue(14))).code, 22)
})

for (const name of ['../x', 'x'.repeat(128), 'a\u0000b', 'a/b', '']) {
  const shown = JSON.stringify(name).slice(0, 20)
  test(`the name ${shown} is refused wherever it comes in, and leaves no trace`, async (t) => {
    const { client, broker } = await startTestBroker(t)
    const commands: RawCommand[] = [
      sendCommand(name),
      topicCommand(name),
      heartbeatCommand('c', name),
      heartbeatCommand('c', 'G', name),
      { code: 200, body: Buffer.from(JSON.stringify({ groupName: name })) },
      queue(15, { topic: name, commitOffset: '1' }),
      queue(15, { topic: 'BenchmarkTest', consumerGroup: name, commitOffset: '1' }),
      {
        code: 11,
        extFields: {
          ...queue(11, { consumerGroup: name, topic: 'BenchmarkTest' }).extFields,
          queueOffset: '0',
          maxMsgNums: '1',
          sysFlag: '4',
          commitOffset: '0',
          suspendTimeoutMillis: '0',
          subscription: '*',
          subVersion: '0',
        },
      },
    ]
    for (const command of commands) {
      const { code } = await client.request(command)
      ok(code !== 0, `code ${command.code} was accepted`)
    }
    for (const code of [30, 31, 32]) equal((await client.request(queue(code, { topic: name }))).code, 0)
    await broker.stop()
    for (const file of ['topics.json', 'subscriptionGroup.json', 'consumerOffset.json']) {
      const text = await readFile(join(broker.storeDir, 'config', file), 'utf8').catch(() => '')
      if (name !== '') ok(!text.includes(JSON.stringify(name).slice(1, -1)))
    }
  })
}

test('members of a group hear of each other over the wire', async (t) => {
  const { client, connect } = await startTestBroker(t)
  const second = await connect()
  await client.call(heartbeatCommand('a', 'G'))
  await second.call(heartbeatCommand('b', 'G'))
  deepEqual(json(await client.call(queue(38))), { consumerIdList: ['a', 'b'] })
  const { connectionSet } = json<{ connectionSet: { clientId: string }[] }>(await client.call(queue(203)))
  deepEqual(
    connectionSet.map(({ clientId }) => clientId),
    ['a', 'b'],
  )
  const producers = json<{ connectionSet: unknown[] }>(
    await client.call({ code: 204, extFields: { producerGroup: 'PG' } }),
  )
  equal(producers.connectionSet.length, 2)
  second.close()
  await waitFor(
    'the departure',
    async () => (await client.call(queue(38))).body.toString() === '{"consumerIdList":["a"]}',
  )
  await client.call({ code: 35, extFields: { clientID: 'a', consumerGroup: 'G', producerGroup: 'PG' } })
  equal((await client.request(queue(38))).code, 1)
  equal((await client.request(queue(203))).code, 206)
})

test('a heartbeat makes the group and its retry topic', async (t) => {
  const { client } = await startTestBroker(t)
  await client.call(heartbeatCommand('a', 'G'))
  equal(json(await client.call({ code: 352, extFields: { group: 'G' } })).retryMaxTimes, 16)
  equal(json(await client.call({ code: 351, extFields: { topic: '%RETRY%G' } })).readQueueNums, 1)
})

test('asking for the settings of a group does not make it', async (t) => {
  const { client } = await startTestBroker(t)
  for (let time = 0; time < 2; time++)
    equal((await client.request({ code: 352, extFields: { group: 'Nobody' } })).code, 26)
})

test('long names of Java clients are no reason to refuse a heartbeat', async (t) => {
  const { client } = await startTestBroker(t)
  const consumers = 'c'.repeat(127)
  const request = heartbeatCommand('a', consumers, `%RETRY%${consumers}`)
  const producers = `_INNER_TRACE_PRODUCER-${'p'.repeat(120)}-PRODUCER-1`
  await client.call({ ...request, body: Buffer.from(request.body!.toString().replace('"PG"', `"${producers}"`)) })
  equal((await client.request(queue(38, { consumerGroup: consumers }))).code, 0)
  match((await client.call({ code: 328 })).body.toString(), /_INNER_TRACE_PRODUCER/)
})

test('topics and groups survive a restart', async (t) => {
  const storePathRootDir = await testFolder(t)
  const first = await startTestBroker(t, { storePathRootDir })
  await first.client.call(topicCommand('Orders'))
  await first.client.call({ code: 200, body: Buffer.from('{"groupName":"G","retryMaxTimes":3}') })
  await first.client.call(queue(15, { topic: 'Orders', commitOffset: '5' }))
  await first.client.call(sendCommand('Orders'))
  await first.broker.stop()
  const { client } = await startTestBroker(t, { storePathRootDir })
  equal((await client.call(queue(14, { topic: 'Orders' }))).extFields.offset, '5')
  equal((await client.call(queue(30, { topic: 'Orders' }))).extFields.offset, '1')
  equal(json(await client.call({ code: 352, extFields: { group: 'G' } })).retryMaxTimes, 3)
})

test('a deleted topic takes its queues along, and one of that name begins at offset 0', async (t) => {
  const storePathRootDir = await testFolder(t)
  const { client } = await startTestBroker(t, { storePathRootDir })
  await client.call(topicCommand('Orders'))
  for (let sent = 0; sent < 3; sent++) await client.call(sendCommand('Orders'))
  await client.call({ code: 215, extFields: { topic: 'Orders' } })
  ok(!existsSync(join(storePathRootDir, 'consumequeue/Orders')))
  await client.call(topicCommand('Orders'))
  equal((await client.call(queue(30, { topic: 'Orders' }))).extFields.offset, '0')
  equal((await client.call(sendCommand('Orders'))).extFields.queueOffset, '0')
})

test('system topics can be neither changed nor deleted', async (t) => {
  const { client } = await startTestBroker(t)
  for (const topic of ['TBW102', 'broker-a', 'SCHEDULE_TOPIC_XXXX', 'rmq_sys_x']) {
    match((await client.request(topicCommand(topic))).remark ?? '', /conflict with system topic/)
    match((await client.request({ code: 215, extFields: { topic } })).remark ?? '', /conflict with system topic/)
  }
})

test('name servers know an updated topic when the answer comes, and forget the broker when it stops', async (t) => {
  const nameServer = await startRecordingNameServer(t)
  const { client, broker } = await startTestBroker(t, { namesrvAddr: nameServer.address })
  equal(nameServer.registrations.length, 1)
  await client.call(topicCommand('Orders'))
  deepEqual(
    nameServer.registrations[1]?.topics.map(({ topicName }) => topicName),
    ['Orders'],
  )
  await broker.stop()
  deepEqual(nameServer.unregistered, [broker.address])
})

test('configuration changes over the wire: live keys only, never paths, never the black list', async (t) => {
  const configPath = join(await testFolder(t), 'broker.properties')
  await writeFile(configPath, 'brokerName=broker-a\n')
  const { client } = await startTestBroker(t, {}, { configPath })
  const update = (text: string) => client.request({ code: 25, body: Buffer.from(text) })
  equal((await update('longPollingEnable=false\n')).code, 0)
  match((await client.call({ code: 26 })).body.toString(), /^longPollingEnable=false$/m)
  match((await client.call({ code: 26 })).extFields.version ?? '', /^\{"counter":1,"timestamp":\d+\}$/)
  match(await readFile(configPath, 'utf8'), /^longPollingEnable=false$/m)
  equal((await update('storePathRootDir=/x\n')).code, 1)
  equal((await update('brokerIP1=1.2.3.4\n')).code, 1)
  equal((await update('configBlackList=\n')).code, 16)
  equal((await update('rocketmqHome=/x\nlongPollingEnable=true\n')).code, 16)
  equal((await update('colour=blue\n')).code, 1)
})

test('a broker without write permission refuses sends and announces it', async (t) => {
  const nameServer = await startRecordingNameServer(t)
  const { client } = await startTestBroker(t, { namesrvAddr: nameServer.address })
  equal((await client.request({ code: 25, body: Buffer.from('brokerPermission=4\n') })).code, 0)
  ok(nameServer.registrations.at(-1)?.topics.every(({ perm }) => perm === 4))
})

test('runtime information has what tools of both lines read', async (t) => {
  const { client } = await startTestBroker(t)
  await client.call(sendCommand('T'))
  const { table } = json<{ table: Record<string, string> }>(await client.call({ code: 28 }))
  for (const key of ['putTps', 'getTransferedTps', 'getTransferredTps', 'msgPutTotalTodayNow', 'commitLogDiskRatio']) {
    ok(table[key] !== undefined, key)
  }
  deepEqual([table.brokerVersionDesc, table.brokerVersion, table.msgPutTotalTodayNow], ['V4_9_8', '409', '1'])
})

test('statistics of topics and groups are answered', async (t) => {
  const { client } = await startTestBroker(t)
  await client.call(topicCommand('T'))
  await client.call(sendCommand('T'))
  await client.call(heartbeatCommand('a', 'G'))
  await client.call(queue(15, { commitOffset: '1' }))
  await waitFor('dispatch', async () => (await client.call(queue(30))).extFields.offset === '1')
  match((await client.call({ code: 202, extFields: { topic: 'T' } })).body.toString(), /"maxOffset":1,"minOffset":0/)
  match((await client.call(queue(208, { topic: '' }))).body.toString(), /"brokerOffset":1,"consumerOffset":1/)
  match((await client.call({ code: 317, extFields: { isOrder: 'false' } })).body.toString(), /"totalDiff":0/)
  deepEqual(json(await client.call({ code: 300, extFields: { topic: 'T' } })), { groupList: ['G'] })
  ok(json<{ topicList: string[] }>(await client.call({ code: 305 })).topicList.includes('broker-a'))
  match((await client.call({ code: 328 })).body.toString(), /"PG":\[\{"clientId":"a"/)
  await client.call(topicCommand('T', { readQueueNums: '1', writeQueueNums: '3' }))
  const queueCount = async (command: RawCommand): Promise<number> =>
    (await client.call(command)).body.toString().split('"consumerOffset"').length - 1
  equal(await queueCount(queue(208, { topic: 'T' })), 1)
  equal(await queueCount({ code: 317, extFields: { isOrder: 'false' } }), 3)
  for (const code of [21, 201, 43, 45]) ok((await client.call({ code })).body.length > 0)
})

test('queues are locked by one client at a time', async (t) => {
  const { client } = await startTestBroker(t)
  const lock = (code: number, clientId: string): RawCommand => ({
    code,
    body: Buffer.from(
      JSON.stringify({ consumerGroup: 'G', clientId, mqSet: [{ topic: 'T', brokerName: 'broker-a', queueId: 0 }] }),
    ),
  })
  equal(json<{ lockOKMQSet: unknown[] }>(await client.call(lock(41, 'a'))).lockOKMQSet.length, 1)
  equal(json<{ lockOKMQSet: unknown[] }>(await client.call(lock(41, 'b'))).lockOKMQSet.length, 0)
  await client.call(lock(42, 'a'))
  equal(json<{ lockOKMQSet: unknown[] }>(await client.call(lock(41, 'b'))).lockOKMQSet.length, 1)
})

test('tag subscriptions are taken, other expressions are not', async (t) => {
  const { client } = await startTestBroker(t)
  const check = (expressionType: string): RawCommand => ({
    code: 46,
    body: Buffer.from(
      JSON.stringify({ clientId: 'a', group: 'G', subscriptionData: { ...subscription('T'), expressionType } }),
    ),
  })
  equal((await client.request(check('TAG'))).code, 0)
  match((await client.request(check('SQL92'))).remark ?? '', /does not support .* SQL92/)
})

test('bodies that are no JSON get an error, the connection stays', async (t) => {
  const { client } = await startTestBroker(t)
  for (const code of [34, 41, 42, 46, 200])
    equal((await client.request({ code, body: Buffer.from('{nonsense') })).code, 1)
  equal((await client.request({ code: 28 })).code, 0)
})

test('the VIP port answers everything but pulls', async (t) => {
  const port = await freeBrokerPort()
  await startTestBroker(t, { listenPort: String(port) })
  const vip = await RawClient.connect(`127.0.0.1:${port - 2}`)
  t.after(() => vip.close())
  equal((await vip.request(sendCommand('T'))).code, 0)
  equal((await vip.request({ code: 21 })).code, 0)
  equal((await vip.request(queue(11))).code, 3)
})

test('what opening a store ignored and did is logged, a line for each', async (t) => {
  const storeDir = await testFolder(t)
  const first = await startBroker(testConfig(storeDir), { listenHost: '127.0.0.1' })
  await first.stop()
  await mkdir(join(storeDir, 'consumequeue', 'not a topic'), { recursive: true })
  const logger = new LogLines()
  await startTestBroker(t, { storePathRootDir: storeDir }, { logger })
  deepEqual(
    logger.warnings
      .filter((line) => line.startsWith('store: '))
      .map((line) => line.includes('consumequeue/not a topic')),
    [true],
  )
  ok(logger.infos.includes('store opened'))
})

test('what a peer can provoke at will does not fill the log', async (t) => {
  const logger = new LogLines()
  const { client } = await startTestBroker(t, { autoCreateTopicEnable: 'false' }, { logger, clock: new ManualClock() })
  for (let count = 0; count < 100; count++) {
    equal((await client.request(heartbeatCommand('c1', 'bad group'))).code, 1)
    equal((await client.request(sendCommand(`Unknown-${count}`))).code, 17)
    equal((await client.request(pull({ topic: 'SELF_TEST_TOPIC', queueOffset: '7' }))).code, 21)
  }
  const lines = (text: string): number => logger.warnings.filter((line) => line === text).length
  deepEqual(
    ['heartbeat refused', 'topic not created at its first message', 'a pull was out of bounds and is corrected'].map(
      lines,
    ),
    [10, 10, 10],
  )
})

test('a store in use is named, and the broker using it goes on', async (t) => {
  const { broker, client } = await startTestBroker(t)
  await rejects(startBroker(testConfig(broker.storeDir)), { code: 'STORE_LOCKED' })
  equal((await client.request(sendCommand('T'))).code, 0)
})

test('a port in use is named and nothing stays behind', async (t) => {
  const port = await freeBrokerPort()
  await startTestBroker(t, { listenPort: String(port) })
  const storePathRootDir = await testFolder(t)
  const config = () => testConfig(storePathRootDir, { listenPort: String(port) })
  for (let attempt = 0; attempt < 2; attempt++) {
    await rejects(startBroker(config(), { listenHost: '127.0.0.1' }), {
      code: 'NET_PORT_IN_USE',
      message: new RegExp(String(port)),
    })
  }
})

test('a configuration that cannot hold is refused before anything is touched', async (t) => {
  const folder = await testFolder(t)
  await rejects(startBroker(testConfig(folder, { aclEnable: 'true' })), { code: 'CONFIG_UNSUPPORTED' })
})
