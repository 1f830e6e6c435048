import { silentLogger } from '../../../lib/base/logging.ts'
import { Producer, type ProducerOptions, PushConsumer, type PushConsumerOptions } from '../../../lib/client/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeBroker } from './fake-broker.ts'
import { FakeNameServer, routeTo } from './fake-name-server.ts'

export const TOPIC = 'Greetings'
export const GROUP = 'greeters'

/** A name server, two brokers with two queues of `TOPIC` each, and a clock that stands still. */
export const startCluster = async () => {
  const nameServer = await FakeNameServer.start()
  const a = await FakeBroker.start('broker-a')
  const b = await FakeBroker.start('broker-b')
  nameServer.routes.set(TOPIC, routeTo([a, b], 2))
  const clock = new ManualClock()
  const common = {
    group: GROUP,
    nameServers: [nameServer.address],
    logger: silentLogger,
    clock,
  }
  return {
    nameServer,
    a,
    b,
    clock,
    producer: (options: Partial<ProducerOptions> = {}) => new Producer({ ...common, random: () => 0, ...options }),
    consumer: (options: Partial<PushConsumerOptions> = {}) =>
      new PushConsumer({ ...common, consumeFrom: 'first', ...options }),
    async [Symbol.asyncDispose]() {
      for (const part of [b, a, nameServer]) await part[Symbol.asyncDispose]()
    },
  }
}
