import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { freeBrokerPort, freePort } from '../support/ports.ts'
import { withRawClient } from '../support/raw-client.ts'
import { brokerIsRegistered } from '../support/readiness.ts'
import { CliRun, runToEnd } from './support/cli-run.ts'
import { Home } from './support/home.ts'
import { bodiesOf, sendOne } from './support/one-message.ts'

const PUT_KV_CONFIG = 100
/** What RocketMQ's conf/2m-noslave/broker-a.properties sets. */
const STOCK_BROKER_A = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  brokerId: 0,
  deleteWhen: '04',
  fileReservedTime: 48,
  brokerRole: 'ASYNC_MASTER',
  flushDiskType: 'ASYNC_FLUSH',
}
/** Keys that Java's launchers print in this order, one of each of its configuration classes. */
const SOME_BROKER_KEYS = ['namesrvAddr', 'brokerIP1', 'listenPort', 'useTLS', 'storePathRootDir', 'fileReservedTime']
const IMPORTANT_BROKER_KEYS = [
  ...['namesrvAddr', 'brokerIP1', 'brokerName', 'brokerClusterName', 'brokerId', 'autoCreateTopicEnable'],
  ...['storePathRootDir', 'storePathCommitLog', 'flushDiskType', 'brokerRole', 'deleteWhen', 'fileReservedTime'],
]

const valuesOf = (lines: string): Map<string, string> =>
  new Map(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

/** Nothing was made but the files the test put there. */
const nothingMade = (home: Home, ...files: string[]): void => deepEqual(readdirSync(home.path), files)

for (const { program, leading } of [
  { program: 'mqbroker', leading: [] },
  { program: 'apogeemq', leading: ['broker'] },
] as const) {
  const name = [program, ...leading].join(' ')

  test(`${name} -p prints every key with the value it would have, and starts nothing`, async () => {
    using home = new Home()
    const file = home.properties('broker.properties', { ...STOCK_BROKER_A, namesrvAddr: '10.0.0.1:9876' })
    const args = [...leading, '-n', '127.0.0.1:1;127.0.0.1:2', '-c', file, '-p']
    const { exitCode, out, errors } = await runToEnd(program, args, home.path)
    deepEqual([exitCode, errors], [0, ''])
    const values = valuesOf(out)
    for (const [key, value] of Object.entries(STOCK_BROKER_A)) equal(values.get(key), String(value), key)
    equal(values.get('namesrvAddr'), '127.0.0.1:1;127.0.0.1:2')
    equal(values.get('listenPort'), '10911')
    equal(values.get('storePathRootDir'), home.at('store'))
    const order = [...values.keys()]
    const positions = SOME_BROKER_KEYS.map((key) => order.indexOf(key))
    deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
    )
    ok(!positions.includes(-1))
    ok(order.length > 180, `${order.length} keys`)
    nothingMade(home, 'broker.properties')
  })

  test(`${name} -m prints the keys that Java calls important`, async () => {
    using home = new Home()
    const file = home.properties('broker.properties', STOCK_BROKER_A)
    const { exitCode, out } = await runToEnd(program, [...leading, '-c', file, '-m'], home.path)
    const values = valuesOf(out)
    for (const key of IMPORTANT_BROKER_KEYS) ok(values.has(key), key)
    equal(values.has('sendMessageThreadPoolNums'), false)
    equal(values.get('fileReservedTime'), '48')
    equal(exitCode, 0)
    nothingMade(home, 'broker.properties')
  })
}

test('mqbroker with the stock file of 2m-noslave registers, takes messages and keeps them under ~/store', async () => {
  using home = new Home()
  const [namesrvPort, brokerPort] = [await freePort(), await freeBrokerPort()]
  const nameServer = `127.0.0.1:${namesrvPort}`
  const broker = `127.0.0.1:${brokerPort}`
  const namesrvFile = home.properties('namesrv.properties', { listenPort: namesrvPort })
  // The stock file leaves port and address to the machine, which a test cannot.
  const brokerFile = home.properties('broker-a.properties', {
    ...STOCK_BROKER_A,
    listenPort: brokerPort,
    brokerIP1: '127.0.0.1',
  })
  await using namesrvRun = new CliRun('mqnamesrv', ['-c', namesrvFile], home.path)
  equal(await namesrvRun.ready(), `apogeemq name server ready: :::${namesrvPort}`)
  {
    await using run = new CliRun('mqbroker', ['-n', nameServer, '-c', brokerFile], home.path)
    equal(
      await run.ready(),
      `apogeemq broker ready: broker-a ${broker}, name server ${nameServer}, store ${home.at('store')}`,
    )
    await brokerIsRegistered(nameServer, broker, {})
    await sendOne(broker, 'Stock', 'one')
    deepEqual(await bodiesOf(broker, 'Stock', 1), ['one'])
    const { exitCode, errors } = await run.endBy('SIGTERM')
    deepEqual([exitCode, errors], [0, ''])
  }
  deepEqual(readdirSync(home.at('store', 'commitlog')).slice(0, 1), ['00000000000000000000'])
  equal(existsSync(home.at('store', 'abort')), false)
  ok(existsSync(home.at('store', 'config', 'topics.json')))
})

test('a broker that finds no name server is ready all the same', async () => {
  using home = new Home()
  const file = home.properties('broker.properties', {
    ...STOCK_BROKER_A,
    listenPort: await freeBrokerPort(),
    brokerIP1: '127.0.0.1',
  })
  await using run = new CliRun('mqbroker', ['-n', `127.0.0.1:${await freePort()}`, '-c', file], home.path)
  await run.ready()
  equal((await run.endBy('SIGTERM')).exitCode, 0)
})

test('a port that is taken is named by the broker and the name server', async () => {
  using home = new Home()
  const namesrvPort = await freePort()
  const namesrvFile = home.properties('namesrv.properties', { listenPort: namesrvPort })
  await using first = new CliRun('mqnamesrv', ['-c', namesrvFile], home.path)
  await first.ready()
  const second = await runToEnd('mqnamesrv', ['-c', namesrvFile], home.path)
  equal(second.exitCode, 1)
  match(
    second.errors,
    new RegExp(`^apogeemq: \\*:${namesrvPort} is already in use; .*listenPort in the file[^\\n]*\\n$`),
  )
  const values = { ...STOCK_BROKER_A, listenPort: namesrvPort + 2, brokerIP1: '127.0.0.1' }
  const vip = await runToEnd('mqbroker', ['-c', home.properties('vip.properties', values)], home.path)
  equal(vip.exitCode, 1)
  match(vip.errors, new RegExp(`^apogeemq: \\*:${namesrvPort} is already in use; .*listenPort in the file[^\\n]*\\n$`))
})

for (const { program, leading } of [
  { program: 'mqnamesrv', leading: [] },
  { program: 'apogeemq', leading: ['namesrv'] },
] as const) {
  test(`${[program, ...leading].join(' ')} -p prints every key with the value it would have, and starts nothing`, async () => {
    using home = new Home()
    const file = home.properties('namesrv.properties', { listenPort: 12_345, ownKey: 'x' })
    const { exitCode, out, errors } = await runToEnd(program, [...leading, '-c', file, '-p'], home.path)
    const values = valuesOf(out)
    deepEqual([exitCode, values.get('listenPort'), values.get('configStorePath')], [0, '12345', file])
    equal(values.get('kvConfigPath'), home.at('namesrv', 'kvConfig.json'))
    for (const key of [
      'rocketmqHome',
      'orderMessageEnable',
      'serverChannelMaxIdleTimeSeconds',
      'useEpollNativeSelector',
    ]) {
      ok(values.has(key), key)
    }
    equal(errors, 'apogeemq: unknown configuration keys, kept without effect: ownKey\n')
    nothingMade(home, 'namesrv.properties')
  })
}

test('the name server keeps its KV configuration across a restart', async () => {
  using home = new Home()
  const port = await freePort()
  const file = home.properties('namesrv.properties', { listenPort: port })
  for (const round of [1, 2]) {
    await using run = new CliRun('mqnamesrv', ['-c', file, '-n', 'ignored:1'], home.path)
    await run.ready()
    const extFields = { namespace: 'N', key: `k${round}`, value: 'v' }
    await withRawClient(`127.0.0.1:${port}`, (client) => client.call({ code: PUT_KV_CONFIG, extFields }))
    equal((await run.endBy('SIGINT')).exitCode, 0)
  }
  const kept = JSON.parse(readFileSync(home.at('namesrv', 'kvConfig.json'), 'utf8'))
  deepEqual(kept.configTable.N, { k1: 'v', k2: 'v' })
})

test('bad options of the launchers are said in one line, with exit code 1', async () => {
  using home = new Home()
  const wrong = home.properties('wrong.properties', { namesrvAddr: 'nowhere' })
  for (const [program, args, line] of [
    ['mqbroker', ['--nonsense'], /^error: unknown option '--nonsense'/],
    ['mqbroker', ['-c', home.at('missing')], /^apogeemq: cannot read the configuration file .*missing/],
    ['mqbroker', ['-c', wrong], /^apogeemq: namesrvAddr: nowhere is no host:port/],
    ['mqbroker', ['-n', 'a:b'], /^apogeemq: namesrvAddr: a:b is no host:port/],
    ['mqnamesrv', ['-c', home.at('missing')], /^apogeemq: cannot read the configuration file .*missing/],
    ['mqnamesrv', ['-x'], /^error: unknown option '-x'/],
    ['apogeemq', ['nonsense'], /^error: unknown command 'nonsense'/],
    ['mqshutdown', [], /^Usage: mqshutdown broker \| namesrv/],
    ['mqshutdown', ['all'], /^Usage: mqshutdown broker \| namesrv/],
  ] as const) {
    const end = await runToEnd(program, args, home.path)
    deepEqual([end.exitCode, end.out], [1, ''], end.errors)
    match(end.errors, line)
    equal(end.errors.trim().split('\n').length, 1, end.errors)
  }
  nothingMade(home, 'wrong.properties')
})
