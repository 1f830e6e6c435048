import { equal, rejects, throws } from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../lib/base/clock.ts'
import { silentLogger } from '../../lib/base/logging.ts'
import { startBroker } from '../../lib/broker/broker.ts'
import { type ClientTlsOptions, Producer, PushConsumer } from '../../lib/client/index.ts'
import { parseNamesrvConfig, startNameServer } from '../../lib/namesrv/index.ts'
import { RemotingClient } from '../../lib/net/client.ts'
import { ClientTls } from '../../lib/net/tls/client-tls.ts'
import { getBrokerRuntimeInfo } from '../../lib/protocol/commands/get-broker-runtime-info.ts'
import { issue, writeIssued } from '../support/certificates.ts'
import { freeBrokerPort } from '../support/ports.ts'
import { waitFor } from '../support/wait-for.ts'
import { atEnd, testConfig, testFolder } from './support/fixtures.ts'

/** A name server and a broker that take nothing but TLS, with one certificate for both. */
const startEnforcingPair = async (t: TestContext) => {
  const folder = await testFolder(t)
  const { certPath, keyPath } = await writeIssued(folder, 'server', await issue('broker.test'))
  const tls = {
    'tls.server.mode': 'enforcing',
    'tls.server.certPath': certPath,
    'tls.server.keyPath': keyPath,
    'tls.client.authServer': 'true',
    'tls.client.trustCertPath': certPath,
  }
  const namesrvProperties = new Map(Object.entries({ listenPort: '0', kvConfigPath: join(folder, 'kv.json'), ...tls }))
  const nameServer = await startNameServer(parseNamesrvConfig(namesrvProperties).config, { listenHost: '127.0.0.1' })
  atEnd(t, () => nameServer.stop())
  const config = testConfig(join(folder, 'store'), {
    namesrvAddr: nameServer.address,
    listenPort: String(await freeBrokerPort()),
    ...tls,
  })
  const broker = await startBroker(config, { listenHost: '127.0.0.1' })
  atEnd(t, () => broker.stop())
  return { nameServer, broker, certPath }
}

const common = (address: string, tls: boolean | ClientTlsOptions) => ({
  group: 'tls-clients',
  nameServers: [address],
  logger: silentLogger,
  tls,
})

test('a broker registers, and a producer and a consumer work, where nothing but TLS is taken', async (t) => {
  const { nameServer, certPath } = await startEnforcingPair(t)
  const tls = { caPath: certPath, serverName: 'broker.test' }
  await using producer = new Producer(common(nameServer.address, tls))
  await producer.start()
  const body = Buffer.alloc(3 * 1024 * 1024, 'abc')
  equal((await producer.send({ topic: 'Secured', body })).status, 'SEND_OK')
  const received: Buffer[] = []
  await using consumer = new PushConsumer({ ...common(nameServer.address, tls), consumeFrom: 'first' })
  consumer.subscribe('Secured')
  await consumer.start((message) => void received.push(message.body))
  await waitFor('the message', () => received.length === 1)
  equal(received[0]!.equals(body), true)
})

test('clients that do not speak TLS, or do not trust the server, are told so', async (t) => {
  const { nameServer, certPath } = await startEnforcingPair(t)
  for (const [tls, words] of [
    [false, /closed by the peer/],
    [true, /no TLS with .*self-signed certificate/],
    [{ caPath: certPath, serverName: 'another.test' }, /no TLS with .*another\.test/],
  ] as const) {
    const producer = new Producer(common(nameServer.address, tls))
    await rejects(producer.start(), { code: 'CLIENT_NO_NAME_SERVER', message: words })
    await producer.stop()
  }
})

const runtimeInfo = async (port: number, tls: ClientTls | undefined) => {
  const client = new RemotingClient({ clock: systemClock, logger: silentLogger, tls })
  try {
    const { code } = await client.invoke(`127.0.0.1:${port}`, getBrokerRuntimeInfo, {})
    return code
  } finally {
    await client.stop()
  }
}

test('the VIP port speaks TLS as well, and nothing else when the mode is enforcing', async (t) => {
  const { broker } = await startEnforcingPair(t)
  const anyServer = new ClientTls(async () => ({ verifyServer: false, trustCertPath: undefined, identity: undefined }))
  for (const port of [broker.port, broker.port - 2]) {
    equal(await runtimeInfo(port, anyServer), 0)
    await rejects(runtimeInfo(port, undefined), { code: 'NET_CLOSED' })
  }
})

test('options of a client that contradict each other are refused', () => {
  for (const tls of [{ certPath: '/c.pem' }, { verifyServer: false, caPath: '/ca.pem' }]) {
    throws(() => new Producer(common('127.0.0.1:9876', tls)), { code: 'CLIENT_OPTION_INVALID' })
  }
})
