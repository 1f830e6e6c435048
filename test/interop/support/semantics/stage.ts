import {
  type ClientDriver,
  type CollectedMessage,
  type OutgoingMessage,
  type PushSettings,
  type Queue,
  type SendMode,
  type SentMessage,
  startClientDriver,
} from '../../../support/java-client.ts'
import type { ClientVersion } from '../../../support/java-projects.ts'
import { withRawClient } from '../../../support/raw-client.ts'
import { createTopic } from '../../../support/raw-topics.ts'
import { waitFor } from '../../../support/wait-for.ts'
import type { ServerPair } from '../pairs.ts'
import { Stage } from '../scenario.ts'
import type { BrokerSort } from './features.ts'

const QUERY_CONSUMER_OFFSET = 14

/** Scenarios run beside each other on few cores: patience costs nothing when all is well. */
const PATIENCE = { timeoutMs: 90_000, everyMs: 100 }

export const eventually: typeof waitFor = (what, probe, options) => waitFor(what, probe, { ...PATIENCE, ...options })

/**
 * Clients divide the queues anew every 20 s by default. The interval at which they renew queue locks stays at its 20 s:
 * a renewal that is on its way while a queue is given up locks it again, for the rest of QUEUE_LOCK_LIFE_MS.
 */
const CLIENT_SETTINGS = { 'rocketmq.client.rebalance.waitInterval': '1000' }

/** After it a broker gives the queue of an orderly consumer that neither unlocks nor renews to another. */
const QUEUE_LOCK_LIFE_MS = 60_000
/** A client that gives up a queue with messages at work unlocks it this much later. */
const UNLOCK_DELAY_MS = 20_000

/** For what has to wait until queues of orderly consumers change hands. */
export const LOCK_PATIENCE = { timeoutMs: UNLOCK_DELAY_MS + QUEUE_LOCK_LIFE_MS + PATIENCE.timeoutMs }

/** A JVM with a Java client of its own. */
export const startDriver = (clientVersion: ClientVersion): Promise<ClientDriver> =>
  startClientDriver({ clientVersion, systemProperties: CLIENT_SETTINGS })

/** A push consumer and what it received. */
export interface Member {
  readonly name: string
  readonly group: string
  readonly clientId: string
  collected(): Promise<readonly CollectedMessage[]>
  /** Waits for `count` deliveries or more and gives all of them. */
  receives(count: number): Promise<readonly CollectedMessage[]>
  stop(): Promise<void>
}

/** What a scenario about one broker feature works with. */
export class SemanticsStage extends Stage {
  readonly broker: BrokerSort
  /** A client with the admin API; absent where nobody needs one. */
  readonly #admin: ClientDriver | undefined
  readonly #restart: (() => Promise<void>) | undefined

  constructor(
    pair: ServerPair,
    driver: ClientDriver,
    more: { broker: BrokerSort; suffix?: string; admin?: ClientDriver; restart?: () => Promise<void> },
  ) {
    super(pair, driver, more.suffix ?? `${more.broker}-${driver.version.replaceAll('.', '_')}`)
    this.broker = more.broker
    this.#admin = more.admin
    this.#restart = more.restart
  }

  /** A new topic. */
  async topic(stem: string, queues = 4): Promise<string> {
    const topic = this.name(stem)
    await createTopic(this.pair, topic, queues)
    return topic
  }

  /** Sends by a producer of its own. */
  async sends(
    topic: string,
    messages: readonly OutgoingMessage[],
    mode: SendMode = 'sync',
  ): Promise<readonly SentMessage[]> {
    return this.driver.send(await this.producer(), topic, mode, messages)
  }

  /** A push consumer of a new group, or of the one given. */
  async consumer(topic: string, settings: PushSettings & { group?: string; namespace?: string } = {}): Promise<Member> {
    const own = { ...this.settings('member'), pollNameServerMs: 1000, topic, ...settings }
    const clientId = await this.driver.startPushConsumer(own)
    const { name, group } = own
    const collected = () => this.driver.collected(name)
    return {
      name,
      group,
      clientId,
      collected,
      receives: async (count) => {
        await eventually(
          `${count} deliveries to ${name}`,
          async () => (await this.driver.collectedCount(name)) >= count,
        )
        return collected()
      },
      stop: () => this.driver.stopPushConsumer(name),
    }
  }

  /** Waits until the members share the topic's queues, each one having some and none had by two. */
  async balanced(topic: string, queues: number, members: readonly Member[]): Promise<readonly (readonly Queue[])[]> {
    const isBalanced = async () => {
      const shares = await Promise.all(members.map(({ name }) => this.driver.assigned(name, topic)))
      const all = shares.flat()
      return (
        all.length === queues &&
        new Set(all.map((queue) => queue.queueId)).size === queues &&
        shares.every((share) => share.length > 0) &&
        shares
      )
    }
    return eventually(`a balance of ${members.length} members`, isBalanced, LOCK_PATIENCE)
  }

  /** The group's offset as the broker tells it to somebody outside the group; undefined for none. */
  async committedOffset(group: string, topic: string, queueId: number): Promise<number | undefined> {
    const extFields = { consumerGroup: group, topic, queueId: String(queueId) }
    const answer = await withRawClient(this.pair.brokerAddress, (client) =>
      client.request({ code: QUERY_CONSUMER_OFFSET, extFields }),
    )
    return answer.code === 0 ? Number(answer.extFields.offset) : undefined
  }

  /** Runs one command of the admin API at the broker under test. */
  async admin<T>(command: string, args: Readonly<Record<string, unknown>>): Promise<T> {
    if (this.#admin === undefined) throw new Error('this suite has no admin client')
    return this.#admin.call<T>(command, { admin: `admin-${this.broker}`, ...args })
  }

  /** Stops the broker and starts it on the same files; all scenarios that wait for it share one restart. */
  async brokerRestarts(): Promise<void> {
    if (this.#restart === undefined) throw new Error('this suite does not restart its broker')
    await this.#restart()
  }
}
