import { equal, ok, rejects } from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { silentLogger } from '../../lib/base/logging.ts'
import { Producer, PushConsumer, type ReceivedMessage } from '../../lib/client/index.ts'
import { issue, writeIssued } from '../support/certificates.ts'
import { startClientDriver, startJavaBroker, startJavaNameServer } from '../support/java-peers.ts'
import { useIdentity } from '../support/raw-client.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'
import { allScenarios, crossingScenarios } from './support/all-scenarios.ts'
import { assertEachOnce, bodyOf } from './support/messages.ts'
import {
  isSelfCheck,
  PATIENT_BROKER,
  type PairKind,
  removeFolder,
  type ServerPair,
  skipWithoutJava,
  underTest,
} from './support/pairs.ts'
import { describeScenarios, type Scenario, Stage } from './support/scenario.ts'
import { queryByKeyAndId, syncSend } from './support/send-scenarios.ts'
import {
  javaTlsBrokerWithOurNameServer,
  javaTlsPair,
  ourTlsBrokerWithJavaNameServer,
  ourTlsPair,
} from './support/tls-pairs.ts'

const FOUR_MB = 4_000_000

/** All bytes of several TLS records each way, in every mode of sending that carries a body. */
const largestBodies: Scenario = {
  name: 'bodies of 4 MB, in flight together, come back byte for byte',
  async run(stage) {
    const topic = stage.name('Largest')
    await createTopic(stage.pair, topic, 2)
    const sent = [1, 2, 3, 4].map((n) => ({ keys: `large-${n}`, body: bodyOf(`${topic}-${n}`, FOUR_MB) }))
    const producer = await stage.producer({ compressOverBytes: 10 * FOUR_MB })
    const results = await stage.driver.send(producer, topic, 'async', sent)
    ok(results.every((result) => result.status === 'SEND_OK'))
    assertEachOnce(sent, await stage.read(await stage.pullConsumer(), topic, sent.length))
  },
}

const TLS_CLIENT = { 'tls.enable': 'true' }

/** Over TLS the Java broker's answers to queries by key lack their messages: it counts bytes that it did not write. */
const possible = isSelfCheck ? allScenarios.filter((scenario) => scenario !== queryByKeyAndId) : allScenarios

describeScenarios(ourTlsPair, ['4.9.8'], [...possible, largestBodies], undefined, TLS_CLIENT)
describeScenarios(ourTlsPair, ['5.3.3'], crossingScenarios, undefined, TLS_CLIENT)
for (const kind of [ourTlsBrokerWithJavaNameServer, javaTlsBrokerWithOurNameServer]) {
  describeScenarios(kind, ['4.9.8'], crossingScenarios, undefined, TLS_CLIENT)
}

const describeOurClient = (kind: PairKind): void => {
  describe(`our client with ${kind.name}`, { skip: skipWithoutJava() }, () => {
    let pair: ServerPair
    before(async () => {
      pair = await kind.start()
    })
    after(() => pair?.stop())

    test('what it sends over TLS it receives over TLS', async () => {
      const common = {
        group: 'ours-tls',
        nameServers: [pair.namesrvAddress],
        logger: silentLogger,
        tls: { verifyServer: false },
      }
      const topic = 'OursOverTls'
      const bodies = [...Array(40).keys()].map((n) => bodyOf(`${topic}-${n}`, n === 7 ? FOUR_MB : 1_000))
      await using producer = new Producer({ ...common, compressOverBytes: Number.POSITIVE_INFINITY })
      await producer.start()
      for (const body of bodies) equal((await producer.send({ topic, body })).status, 'SEND_OK')
      const received: ReceivedMessage[] = []
      await using consumer = new PushConsumer({ ...common, consumeFrom: 'first' })
      consumer.subscribe(topic)
      await consumer.start((message) => void received.push(message))
      await waitFor('all messages', () => received.length >= bodies.length)
      const texts = new Set(received.map(({ body }) => body.toString('base64')))
      for (const body of bodies) ok(texts.has(body.toString('base64')))
    })

    test('a plain client, and one that verifies the self-signed certificate, are kept out', async () => {
      for (const tls of [false, true]) {
        const producer = new Producer({
          group: 'kept-out',
          nameServers: [pair.namesrvAddress],
          logger: silentLogger,
          tls,
        })
        await rejects(producer.start(), { code: 'CLIENT_NO_NAME_SERVER' })
        await producer.stop()
      }
    })
  })
}

/** Both sides show a certificate of one issuer and verify the other's: the strictest that Java's keys can ask for. */
const mutualTls = async (folder: string) => {
  const issuer = await issue('interop-ca')
  const server = await writeIssued(folder, 'server', await issue('server.test', { issuer }))
  const issuedToClient = await issue('client.test', { issuer })
  const client = await writeIssued(folder, 'client', issuedToClient)
  const caPath = join(folder, 'ca.pem')
  await writeFile(caPath, issuer.cert)
  const javaClient = {
    'tls.test.mode.enable': 'false',
    'tls.client.certPath': client.certPath,
    'tls.client.keyPath': client.keyPath,
    'tls.client.authServer': 'true',
    'tls.client.trustCertPath': caPath,
  }
  const servers = {
    ...javaClient,
    'tls.server.certPath': server.certPath,
    'tls.server.keyPath': server.keyPath,
    'tls.server.need.client.auth': 'require',
    'tls.server.authClient': 'true',
    'tls.server.trustCertPath': caPath,
  }
  return { caPath, client, javaClient: { 'tls.enable': 'true', ...javaClient }, servers, identity: issuedToClient }
}

const describeMutual = (kind: string, start: (tls: Readonly<Record<string, string>>) => Promise<ServerPair>): void => {
  describe(`certificates of both sides, by an issuer of ours: ${kind}`, { skip: skipWithoutJava() }, () => {
    let folder: string
    let tls: Awaited<ReturnType<typeof mutualTls>>
    let pair: ServerPair
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'apogee-mutual-'))
      tls = await mutualTls(folder)
      useIdentity(tls.identity)
      pair = await start(tls.servers)
    })
    after(async () => {
      await pair?.stop()
      useIdentity(undefined)
      removeFolder(folder)
    })

    test('a Java client with its certificate is served', async () => {
      const driver = await startClientDriver({ clientVersion: '4.9.8', systemProperties: tls.javaClient })
      try {
        await syncSend.run(new Stage(pair, driver))
      } finally {
        await driver.stop()
      }
    })

    test('our client is served with its certificate, and not without', async () => {
      const { certPath, keyPath } = tls.client
      const { caPath } = tls
      const common = { group: 'mutual', nameServers: [pair.namesrvAddress], logger: silentLogger }
      await using producer = new Producer({ ...common, tls: { caPath, certPath, keyPath } })
      await producer.start()
      equal((await producer.send({ topic: 'Mutual', body: Buffer.from('x') })).status, 'SEND_OK')
      const without = new Producer({ ...common, tls: { caPath } })
      await rejects(without.start(), { code: 'CLIENT_NO_NAME_SERVER' })
      await without.stop()
    })
  })
}

const startJavaMutual = async (tls: Readonly<Record<string, string>>): Promise<ServerPair> => {
  const namesrv = await startJavaNameServer({ tlsOnly: tls })
  const broker = await startJavaBroker({ namesrvAddress: namesrv.address, properties: PATIENT_BROKER, tlsOnly: tls })
  const stop = async (): Promise<void> => {
    await broker.kill()
    await namesrv.kill()
  }
  return { namesrvAddress: namesrv.address, brokerAddress: broker.address, stop }
}

if (!isSelfCheck) describeMutual('our servers', (tls) => ourTlsPair.start(tls))
describeMutual("Java's servers", startJavaMutual)
describeOurClient(underTest(ourTlsPair))
describeOurClient(javaTlsPair)
