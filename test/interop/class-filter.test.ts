import { after, before, describe, test } from 'node:test'
import type { ClientDriver, ReceivedMessage } from '../support/java-client.ts'
import { startClientDriver } from '../support/java-peers.ts'
import { type OurPair, startOurFilterServer, startOurPair } from '../support/our-peers.ts'
import type { Peer } from '../support/peer-process.ts'
import { createTopic } from '../support/raw-topics.ts'
import { waitFor } from '../support/wait-for.ts'
import { assertEachOnce, makeMessages } from './support/messages.ts'
import { PATIENT_BROKER, skipWithoutJava } from './support/pairs.ts'

// Java has had no filter servers since 4.4: there is no peer to check this against but the client. That of 5.x sends no
// sources any more.
const FILTER = `function match(message) {
  return Number(message.properties.number) % 3 === 0 && message.tags !== 'TagB' && message.body.length > 0
}`

describe('Java clients that filter by class', { skip: skipWithoutJava() }, () => {
  let pair: OurPair
  let filterServer: Peer
  before(async () => {
    pair = await startOurPair({ properties: { ...PATIENT_BROKER, filterServerNums: '1' } })
    filterServer = await startOurFilterServer(pair.brokerAddress)
  })
  after(async () => {
    await filterServer?.stop()
    await pair?.stop()
  })
  test('a push consumer 4.9.8 receives what its function passes, sent before and after it started', async () => {
    const driver = await startClientDriver({ clientVersion: '4.9.8' })
    try {
      await run(driver, pair)
    } finally {
      await driver.stop()
    }
  })
})

const run = async (driver: ClientDriver, pair: OurPair): Promise<void> => {
  const topic = 'ClassFilter'
  await createTopic(pair, topic, 4)
  const { namesrvAddress } = pair
  await driver.createProducer({ namesrvAddress, name: 'producer', group: `${topic}-producers` })
  const holds = ({ tags, properties }: ReturnType<typeof makeMessages>[number]) =>
    Number(properties?.number) % 3 === 0 && tags !== 'TagB'
  const sent = makeMessages(topic, 60, ['TagA', 'TagB'])
  await driver.send('producer', topic, 'async', sent.slice(0, 30))
  const settings = { instance: 'consumer', name: 'consumer', vipChannel: false, namesrvAddress }
  await driver.call('startSqlConsumer', { ...settings, group: `${topic}-group`, topic, filterSource: FILTER })
  const received = (): Promise<readonly ReceivedMessage[]> => driver.call('sqlCollected', { consumer: 'consumer' })
  const first = sent.slice(0, 30).filter(holds).length
  await waitFor('the first messages', async () => (await received()).length >= first)
  await driver.send('producer', topic, 'sync', sent.slice(30))
  const expected = sent.filter(holds)
  await waitFor('all messages', async () => (await received()).length >= expected.length)
  assertEachOnce(expected, await received())
}
