import { equal, match, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hasIpv6Loopback } from '../support/loopback.ts'
import { createTopic } from '../support/raw-topics.ts'
import { assertEachOnce, assertSame, makeMessages } from './support/messages.ts'
import { ourSeparateServers } from './support/pairs.ts'
import { describeScenarios, type Scenario } from './support/scenario.ts'

const BORN_HOST_V6 = 0x10
const STORE_HOST_V6 = 0x20
const OFFSET_ID_CHARACTERS_V6 = 56

const ipv6Hosts: Scenario = {
  name: 'a message sent over IPv6 to a broker with an IPv6 address carries both flags and long ids',
  async run(stage) {
    const topic = stage.name('Ipv6')
    await createTopic(stage.pair, topic)
    const producer = await stage.producer()
    const sent = makeMessages(topic, 20)
    const batch = makeMessages(`${topic}-batch`, 10)
    const results = [
      ...(await stage.driver.send(producer, topic, 'sync', sent)),
      ...(await stage.driver.send(producer, topic, 'batch', batch)),
    ]
    const consumer = await stage.pullConsumer()
    const received = await stage.read(consumer, topic, sent.length + batch.length)
    assertEachOnce([...sent, ...batch], received)
    for (const message of received) {
      equal(message.sysFlag & (BORN_HOST_V6 | STORE_HOST_V6), BORN_HOST_V6 | STORE_HOST_V6)
      match(message.bornHost, /^0:0:0:0:0:0:0:1\|\d+$/)
      equal(`::1:${message.storeHost.split('|')[1]}`, stage.pair.brokerAddress)
      equal(message.offsetMsgId.length, OFFSET_ID_CHARACTERS_V6)
    }
    const ids = results.flatMap((result) => result.offsetMsgId.split(','))
    ok(ids.every((id) => id.length === OFFSET_ID_CHARACTERS_V6))
    const byId = await stage.driver.viewMessage(consumer, topic, ids[3]!)
    assertSame(sent[3]!, byId!)
    const byBatchId = await stage.driver.viewMessage(consumer, topic, ids[sent.length + 3]!)
    assertSame(batch[3]!, byBatchId!)
  },
}

if (hasIpv6Loopback()) {
  describeScenarios(ourSeparateServers, ['4.9.8', '5.3.3'], [ipv6Hosts], { brokerIP1: '::1' })
} else {
  const reason = 'this machine has no IPv6 loopback address'
  process.stderr.write(`the IPv6 tests were not run: ${reason}\n`)
  describe('clients over IPv6', { skip: reason }, () => {
    test(ipv6Hosts.name, () => undefined)
  })
}
