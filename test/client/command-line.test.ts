import { deepEqual, equal, match } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../support/wait-for.ts'
import { startCluster, TOPIC } from './support/start-clients.ts'

const PROGRAM = fileURLToPath(new URL('./programs/commands.ts', import.meta.url))

/** One run of the program; ends with the test at the latest. */
class Run implements Disposable {
  readonly child: ChildProcess
  readonly #ended: Promise<unknown[]>
  out = ''
  errors = ''

  constructor(...args: string[]) {
    const env = { ...process.env, NAMESRV_ADDR: '' }
    this.child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ...args], { env })
    this.child.stdout!.on('data', (chunk) => {
      this.out += chunk
    })
    this.child.stderr!.on('data', (chunk) => {
      this.errors += chunk
    })
    this.#ended = once(this.child, 'close')
  }

  async exitCode(): Promise<unknown> {
    return (await this.#ended)[0]
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL')
  }
}

test('produce sends the text of --body with what the options say, and prints where it went', async () => {
  await using cluster = await startCluster()
  const options = ['--tag', 'A', '--key', 'k1', '--key', 'k2', '--property', 'p=a=b', '--body', 'hello']
  using run = new Run('produce', TOPIC, ...options, '--namesrv', cluster.nameServer.address)
  deepEqual([await run.exitCode(), run.errors], [0, ''])
  match(run.out, /^SEND_OK [0-9A-F]{32} broker-[ab]:[01] offset 0\n$/)
  const [sent] = [...cluster.a.sent, ...cluster.b.sent]
  equal(sent!.body.toString(), 'hello')
  for (const property of ['TAGS\u0001A', 'KEYS\u0001k1 k2', 'p\u0001a=b']) {
    equal(sent!.header.properties!.split('\u0002').includes(property), true)
  }
})

test('produce sends each line of its input', async () => {
  await using cluster = await startCluster()
  using run = new Run('produce', TOPIC, '--namesrv', cluster.nameServer.address)
  run.child.stdin!.end('one\n\ntwo\n')
  equal(await run.exitCode(), 0)
  const bodies = [...cluster.a.sent, ...cluster.b.sent].map(({ body }) => body.toString())
  deepEqual(bodies.sort(), ['one', 'two'])
})

test('consume prints messages and ends after as many as it was told to, having committed just those', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'hello', { TAGS: 'A' })
  cluster.a.put(TOPIC, 0, 'world')
  cluster.a.put(TOPIC, 0, 'too much')
  const options = ['--from-beginning', '--count', '2', '--group', 'G']
  using run = new Run('consume', TOPIC, ...options, '--namesrv', cluster.nameServer.address)
  deepEqual([await run.exitCode(), run.errors], [0, ''])
  equal(run.out, 'broker-a:0 offset 0 [A] hello\nbroker-a:0 offset 1 world\n')
  equal(cluster.a.committed(TOPIC, 0), 2)
})

test('consume --json prints one object a line', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'hello', { KEYS: 'k', p: 'v' })
  cluster.a.put(TOPIC, 0, Buffer.from([0xff]))
  const options = ['--from-beginning', '--count', '2', '--json']
  using run = new Run('consume', TOPIC, ...options, '--namesrv', cluster.nameServer.address)
  equal(await run.exitCode(), 0)
  const [text, binary] = run.out.split('\n').map((line) => (line === '' ? undefined : JSON.parse(line)))
  deepEqual([text.topic, text.body, text.keys, text.properties], [TOPIC, 'hello', ['k'], { KEYS: 'k', p: 'v' }])
  deepEqual([binary.body, binary.bodyBase64], [undefined, '/w=='])
})

test('consume ends with exit code 0 when it is interrupted', async () => {
  await using cluster = await startCluster()
  cluster.a.put(TOPIC, 0, 'hello')
  using run = new Run('consume', TOPIC, '--from-beginning', '--namesrv', cluster.nameServer.address)
  await waitFor('the message', () => run.out !== '')
  run.child.kill('SIGINT')
  deepEqual([await run.exitCode(), run.errors], [0, ''])
  equal(cluster.a.unregistered.length, 1)
})

test('consume ends when nobody reads its output any more', async () => {
  await using cluster = await startCluster()
  using run = new Run('consume', TOPIC, '--from-beginning', '--namesrv', cluster.nameServer.address)
  await waitFor('the pulls', () => cluster.a.pulls.length > 0)
  run.child.stdout!.destroy()
  cluster.a.put(TOPIC, 0, 'hello')
  deepEqual([await run.exitCode(), run.errors], [0, ''])
})

test('what cannot be done is said in one line, with exit code 1', async () => {
  await using cluster = await startCluster()
  const nameServers = ['--namesrv', cluster.nameServer.address]
  for (const [args, line] of [
    [['produce', TOPIC, '--body', 'x', '--namesrv', '127.0.0.1:1'], /no name server of 127\.0\.0\.1:1 answers/],
    [['produce', 'New', '--body', 'x', ...nameServers], /the topic New does not exist/],
    [['produce', 'a b', '--body', 'x', ...nameServers], /illegal characters/],
    [['produce', TOPIC, '--body', 'x', '--property', 'p', ...nameServers], /--property takes name=value, not p/],
    [['consume', TOPIC, '--namesrv', 'nowhere'], /nowhere is no host:port/],
    [['consume', TOPIC, '--tag', '||', ...nameServers], /names no tag/],
    [['consume', TOPIC, '--count', '0', ...nameServers], /whole number above 0/],
  ] as const) {
    using run = new Run(...args)
    deepEqual([await run.exitCode(), run.out], [1, ''])
    match(run.errors, line)
    equal(run.errors.trim().split('\n').length, 1)
  }
})
