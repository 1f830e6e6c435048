import { after, before, describe, test } from 'node:test'
import type { ClientDriver, Queue, ReceivedMessage } from '../../support/java-client.ts'
import { type ClientVersion, startClientDriver } from '../../support/java-peers.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type BrokerProperties, type PairKind, type ServerPair, skipWithoutJava, underTest } from './pairs.ts'

/** What a scenario works with: running servers and one JVM with a Java client. */
export class Stage {
  readonly pair: ServerPair
  readonly driver: ClientDriver
  readonly #suffix: string
  #names = 0

  constructor(pair: ServerPair, driver: ClientDriver, suffix = driver.version.replaceAll('.', '_')) {
    this.pair = pair
    this.driver = driver
    this.#suffix = suffix
  }

  /** A name for a topic, group or client that no other scenario uses. */
  name(stem: string): string {
    return `${stem}-${this.#suffix}-${this.#names++}`
  }

  settings(stem: string): { name: string; group: string; namesrvAddress: string } {
    const name = this.name(stem)
    return { name, group: `${name}-group`, namesrvAddress: this.pair.namesrvAddress }
  }

  async producer(
    more: { vipChannel?: boolean; compressOverBytes?: number; topicQueues?: number } = {},
  ): Promise<string> {
    const settings = this.settings('producer')
    await this.driver.createProducer({ ...settings, ...more })
    return settings.name
  }

  async pullConsumer(): Promise<string> {
    const settings = this.settings('puller')
    await this.driver.createPullConsumer(settings)
    return settings.name
  }

  /** Everything in a topic, read queue by queue, as soon as that is `count` messages or more. */
  read(consumer: string, topic: string, count: number, expression = '*'): Promise<readonly ReceivedMessage[]> {
    return waitFor(`${count} messages in ${topic}`, async () => {
      const messages: ReceivedMessage[] = []
      for (const queue of await this.queues(consumer, topic)) {
        messages.push(...((await this.driver.drain(consumer, queue, 0, expression)).messages ?? []))
      }
      return messages.length >= count && messages
    })
  }

  /** The topic's queues in the order of their numbers. */
  async queues(consumer: string, topic: string): Promise<readonly Queue[]> {
    const queues = await this.driver.subscribeQueues(consumer, topic)
    return [...queues].sort((a, b) => a.queueId - b.queueId)
  }
}

/** One behaviour that must hold whoever plays name server and broker. */
export interface Scenario {
  readonly name: string
  run(stage: Stage): Promise<void>
}

/**
 * A suite per pair: the scenarios with each client version, one JVM per client version.
 * @param systemProperties of the client's JVM
 */
export const describeScenarios = (
  kind: PairKind,
  versions: readonly ClientVersion[],
  scenarios: readonly Scenario[],
  properties?: BrokerProperties,
  systemProperties: Readonly<Record<string, string>> = {},
): void => {
  const actual = underTest(kind)
  describe(`clients at ${actual.name}`, { skip: skipWithoutJava() }, () => {
    let pair: ServerPair
    before(async () => {
      pair = await actual.start(properties)
    })
    after(() => pair?.stop())
    for (const version of versions) {
      describe(`Java client ${version}`, () => {
        let stage: Stage
        before(async () => {
          stage = new Stage(pair, await startClientDriver({ clientVersion: version, systemProperties }))
        })
        after(() => stage?.driver.stop())
        for (const scenario of scenarios) test(scenario.name, () => scenario.run(stage))
      })
    }
  })
}
