import { equal, ok, rejects } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { silentLogger } from '../../lib/base/logging.ts'
import { Producer, PushConsumer, type ReceivedMessage } from '../../lib/client/index.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'
import { allScenarios, crossingScenarios } from './support/all-scenarios.ts'
import { assertEachOnce, bodyOf } from './support/messages.ts'
import { isSelfCheck, type PairKind, type ServerPair, skipWithoutJava, underTest } from './support/pairs.ts'
import { describeScenarios, type Scenario } from './support/scenario.ts'
import { queryByKeyAndId } from './support/send-scenarios.ts'
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

describeOurClient(underTest(ourTlsPair))
describeOurClient(javaTlsPair)
