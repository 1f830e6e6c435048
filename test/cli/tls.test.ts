import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { issue, writeIssued } from '../support/certificates.ts'
import { freeBrokerPort, freePort } from '../support/ports.ts'
import { CliRun, runToEnd } from './support/cli-run.ts'
import { Home } from './support/home.ts'

/** A log that is quick to make. */
const SMALL = { mappedFileSizeCommitLog: 8 << 20, brokerName: 'broker-a' }

test('start, produce and consume speak TLS, and who does not is kept out', async () => {
  using home = new Home()
  const [namesrvPort, brokerPort] = [await freePort(), await freeBrokerPort()]
  const { certPath, keyPath } = await writeIssued(home.path, 'server', await issue('server.test'))
  const config = home.properties('broker.properties', {
    ...SMALL,
    'tls.server.mode': 'enforcing',
    'tls.server.certPath': certPath,
    'tls.server.keyPath': keyPath,
  })
  const ports = ['--namesrv-port', String(namesrvPort), '--broker-port', String(brokerPort)]
  await using run = new CliRun(
    'apogeemq',
    ['start', '--data', home.at('data'), ...ports, '--config', config],
    home.path,
  )
  await run.ready()
  const client = (command: string, ...more: string[]) =>
    runToEnd('apogeemq', [command, 'Secured', '--namesrv', `127.0.0.1:${namesrvPort}`, ...more], home.path)
  equal((await client('produce', '--body', 'one', '--tls-insecure')).exitCode, 0)
  equal((await client('produce', '--body', 'two', '--tls-ca', certPath)).exitCode, 0)
  const untrusting = await client('produce', '--body', 'three', '--tls')
  equal(untrusting.exitCode, 1)
  match(untrusting.errors, /no TLS with .*self-signed certificate/)
  const plain = await client('produce', '--body', 'four')
  deepEqual([plain.exitCode, plain.out], [1, ''])
  const { out } = await client('consume', '--from-beginning', '--count', '2', '--tls-insecure')
  const bodies = out
    .trim()
    .split('\n')
    .map((line) => line.split(' ').at(-1))
  deepEqual(bodies.sort(), ['one', 'two'])
})

test('certificates that are no good end a server with one line that names the file', async () => {
  using home = new Home()
  const files = { 'tls.server.certPath': '/absent.pem', 'tls.server.keyPath': '/absent.key' }
  const config = home.properties('namesrv.properties', { listenPort: await freePort(), ...files })
  const { exitCode, errors } = await runToEnd('mqnamesrv', ['-c', config], home.path)
  equal(exitCode, 1)
  match(errors, /^apogeemq: .*\/absent\.(pem|key): cannot be read/)
})
