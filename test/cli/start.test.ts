import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { test } from 'node:test'
import { freeBrokerPort, freePort } from '../support/ports.ts'
import { withRawClient } from '../support/raw-client.ts'
import { topicIsRouted } from '../support/readiness.ts'
import { waitFor } from '../support/wait-for.ts'
import { CliRun, type RunEnd, runToEnd } from './support/cli-run.ts'
import { Home } from './support/home.ts'
import { bodiesOf, sendOne } from './support/one-message.ts'

const TOPIC = 'Kept'
const GET_BROKER_CONFIG = 26
const UPDATE_CONSUMER_OFFSET = 15
/** A log that is quick to make. */
const SMALL = { mappedFileSizeCommitLog: 8 << 20, brokerName: 'broker-a' }

interface Ports {
  readonly namesrvPort: number
  readonly brokerPort: number
}

const freePorts = async (): Promise<Ports> => ({ namesrvPort: await freePort(), brokerPort: await freeBrokerPort() })

const startArgs = (home: Home, { namesrvPort, brokerPort }: Ports, ...more: string[]): string[] => [
  'start',
  ...['--data', home.at('data')],
  ...['--namesrv-port', String(namesrvPort)],
  ...['--broker-port', String(brokerPort)],
  ...more,
]

/** One line on standard error, nothing on standard output, exit code 1. */
const equalsOneLine = ({ exitCode, out, errors }: RunEnd, line: RegExp): void => {
  deepEqual([exitCode, out], [1, ''], errors)
  match(errors, line)
  equal(errors.trim().split('\n').length, 1, errors)
}

const listenOn = (port: number): Promise<Server & AsyncDisposable> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`start says where it can be reached; ${signal} ends it with exit code 0 and everything kept`, async () => {
    using home = new Home()
    const ports = await freePorts()
    const broker = `127.0.0.1:${ports.brokerPort}`
    const args = startArgs(home, ports, '--config', home.properties('broker.properties', SMALL))
    const readyLine = `apogeemq ready: name server 127.0.0.1:${ports.namesrvPort}, broker ${broker}, data ${home.at('data')}\n`
    {
      await using run = new CliRun('apogeemq', args, home.path)
      await run.ready()
      await sendOne(broker, TOPIC, 'first')
      await withRawClient(broker, (client) =>
        client.call({
          code: UPDATE_CONSUMER_OFFSET,
          extFields: { consumerGroup: 'G', topic: TOPIC, queueId: '0', commitOffset: '1' },
        }),
      )
      ok(existsSync(home.at('data', 'store', 'abort')))
      deepEqual(await run.endBy(signal), { exitCode: 0, out: readyLine, errors: '' })
    }
    equal(existsSync(home.at('data', 'store', 'abort')), false)
    const kept = (name: string) => JSON.parse(readFileSync(home.at('data', 'store', 'config', name), 'utf8'))
    equal(kept('topics.json').topicConfigTable[TOPIC].topicName, TOPIC)
    // A number as a key, as Java writes it, is no JSON for JSON.parse.
    match(readFileSync(home.at('data', 'store', 'config', 'consumerOffset.json'), 'utf8'), /"Kept@G":\s*\{\s*0:1\s*\}/)
    {
      await using run = new CliRun('apogeemq', args, home.path)
      equal(`${await run.ready()}\n`, readyLine)
      await topicIsRouted(`127.0.0.1:${ports.namesrvPort}`, TOPIC)
      await sendOne(broker, TOPIC, 'second')
      deepEqual(await bodiesOf(broker, TOPIC, 2), ['first', 'second'])
      equal((await run.endBy(signal)).exitCode, 0)
    }
  })
}

test('a signal during the start ends it with exit code 0 as well', async () => {
  using home = new Home()
  await using run = new CliRun('apogeemq', startArgs(home, await freePorts()), home.path)
  // The log file is the first thing made, long before the start is over.
  await waitFor('the log file', () => existsSync(home.at('data', 'logs', 'apogeemq.log')), { everyMs: 1 })
  deepEqual([(await run.endBy('SIGTERM')).exitCode, run.errors], [0, ''])
  equal(existsSync(home.at('data', 'store', 'abort')), false)
})

test('a port that is taken is named together with the option that chooses another', async () => {
  const cases: [string, (ports: Ports) => number, RegExp][] = [
    ['name server', (ports) => ports.namesrvPort, /choose another port with --namesrv-port$/m],
    ['broker', (ports) => ports.brokerPort, /choose another port with --broker-port$/m],
    ['VIP', (ports) => ports.brokerPort - 2, /choose another port with --broker-port \(the port two below/],
    ['HA', (ports) => ports.brokerPort + 1, /choose another port with --broker-port \(the port above it, for slaves,/],
  ]
  for (const [what, portOf, hint] of cases) {
    using home = new Home()
    const ports = await freePorts()
    const port = portOf(ports)
    await using _taken = await listenOn(port)
    const end = await runToEnd('apogeemq', startArgs(home, ports), home.path)
    equalsOneLine(end, new RegExp(`^apogeemq: 127\\.0\\.0\\.1:${port} is already in use; `))
    match(end.errors, hint, what)
  }
})

test('a data directory that another process uses is refused in one line, and nothing happens to it', async () => {
  using home = new Home()
  const first = await freePorts()
  await using run = new CliRun('apogeemq', startArgs(home, first), home.path)
  await run.ready()
  const second = await runToEnd('apogeemq', startArgs(home, await freePorts()), home.path)
  equalsOneLine(second, new RegExp(`^apogeemq: another process uses the store in ${home.at('data', 'store')}$`, 'm'))
  await sendOne(`127.0.0.1:${first.brokerPort}`, TOPIC, 'still here')
  equal((await run.endBy('SIGTERM')).exitCode, 0)
})

test('a Java broker file works: unknown keys are kept and said once, what cannot be taken is said, brokerIP1 is told', async () => {
  using home = new Home()
  const ports = await freePorts()
  const file = home.properties('broker.properties', {
    ...SMALL,
    brokerIP1: '127.0.0.2',
    myOwnKey: 'kept',
    another: 1,
    fileReservedTime: 'soon',
    listenPort: 1,
    storePathRootDir: home.at('elsewhere'),
    storePathCommitLog: home.at('elsewhere', 'commitlog'),
  })
  await using run = new CliRun('apogeemq', startArgs(home, ports, '--config', file, '--host', '127.0.0.1'), home.path)
  const line = await run.ready()
  ok(line.includes(`broker 127.0.0.2:${ports.brokerPort}, `), line)
  const config = await withRawClient(`127.0.0.1:${ports.brokerPort}`, (client) =>
    client.call({ code: GET_BROKER_CONFIG }),
  )
  const lines = config.body.toString().split('\n')
  for (const expected of [
    'myOwnKey=kept',
    'brokerIP1=127.0.0.2',
    'fileReservedTime=72',
    `listenPort=${ports.brokerPort}`,
  ]) {
    ok(lines.includes(expected), expected)
  }
  const { exitCode, errors } = await run.endBy('SIGTERM')
  deepEqual(
    [exitCode, errors.trim().split('\n')],
    [
      0,
      [
        'apogeemq: unknown configuration keys, kept without effect: myOwnKey, another',
        'apogeemq: fileReservedTime cannot be soon; its default is used',
      ],
    ],
  )
  equal(existsSync(home.at('elsewhere')), false)
})

test('what start cannot do is said in one line, with exit code 1 and without a stack trace', async () => {
  using home = new Home()
  const { namesrvPort, brokerPort } = await freePorts()
  writeFileSync(home.at('a-file'), '')
  const config = (values: Record<string, string>) => {
    const name = `${Object.keys(values)[0]}.properties`
    return ['--config', home.properties(name, values)]
  }
  const cases: [string[], RegExp][] = [
    [['--namesrv-port', '0'], /'--namesrv-port <port>' argument '0' is invalid\. a port is 1 to 65535/],
    [['--broker-port', '65536'], /'--broker-port <port>' argument '65536' is invalid/],
    [['--broker-port', '10e3'], /'--broker-port <port>' argument '10e3' is invalid/],
    [['--broker-port', '-1'], /'--broker-port <port>' argument '-1' is invalid/],
    [['--data'], /'--data <dir>' argument missing/],
    [['--nonsense'], /unknown option '--nonsense'/],
    [['surplus'], /too many arguments/],
    [['--config', home.at('missing')], /^apogeemq: cannot read the configuration file .*missing: ENOENT/],
    [['--config', home.path], /^apogeemq: cannot read the configuration file .*: EISDIR/],
    [['--data', home.at('a-file')], /^apogeemq: (ENOTDIR|EEXIST): .*a-file/],
    [['--host', 'nowhere.invalid'], /^apogeemq: cannot listen on nowhere\.invalid:/],
    [config({ messageDelayLevel: '1x' }), /^apogeemq: messageDelayLevel: 1x is no number/],
    [config({ brokerIP1: 'nowhere.invalid' }), /^apogeemq: brokerIP1: the address of nowhere\.invalid cannot be found/],
    [config({ brokerRole: 'SLAVE', brokerId: '1' }), /^apogeemq: brokerRole=SLAVE: this broker can be a master only/],
    [config({ aclEnable: 'true' }), /^apogeemq: aclEnable=true: requests cannot be authenticated yet/],
  ]
  const ports = ['--namesrv-port', String(namesrvPort), '--broker-port', String(brokerPort), '--data', home.at('data')]
  for (const [args, line] of cases) {
    const end = await runToEnd('apogeemq', ['start', ...ports, ...args], home.path)
    equalsOneLine(end, line)
    doesNotMatch(end.errors, /^\s+at /m)
  }
})

test('start works where the runtime directory cannot be used, and says what follows', async () => {
  using home = new Home()
  writeFileSync(home.at('run'), 'in the way')
  await using run = new CliRun('apogeemq', startArgs(home, await freePorts()), home.path)
  await run.ready()
  const { exitCode, errors } = await run.endBy('SIGTERM')
  equal(exitCode, 0)
  match(errors, /^apogeemq: mqshutdown will not find this process: [^\n]*\n$/)
})
