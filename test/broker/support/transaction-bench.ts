import type { TestContext } from 'node:test'
import { Parts } from '../../../lib/base/lifecycle.ts'
import type { BrokerConfig } from '../../../lib/broker/config/broker-config.ts'
import { DurabilityGate } from '../../../lib/broker/durability.ts'
import { MessageWriter, type Written } from '../../../lib/broker/messages/message-writer.ts'
import type { NewMessage } from '../../../lib/broker/messages/new-message.ts'
import { StoredMessages } from '../../../lib/broker/messages/stored-messages.ts'
import { ProducerTable } from '../../../lib/broker/producers/producer-table.ts'
import { TopicTable } from '../../../lib/broker/topics/topic-table.ts'
import { halfDetour } from '../../../lib/broker/transaction/half-detour.ts'
import { createTransactions, type Transactions } from '../../../lib/broker/transaction/transaction.ts'
import type { RoundReport } from '../../../lib/broker/transaction/transaction-check.ts'
import type { Answer } from '../../../lib/net/handler.ts'
import { hostAddress } from '../../../lib/protocol/host-address.ts'
import type { StoredMessage } from '../../../lib/protocol/message-codec.ts'
import { FLAG_ONEWAY, type RemotingCommand } from '../../../lib/protocol/remoting-command.ts'
import { type MessageStore, openMessageStore, type StoreOptions } from '../../../lib/store/index.ts'
import { smallStore } from '../../store/support/store-fixture.ts'
import { LogLines } from '../../support/log-lines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeConnection } from './fake-connection.ts'
import { atEnd, testConfig, testFolder } from './fixtures.ts'

export const HALF = 'RMQ_SYS_TRANS_HALF_TOPIC'
export const OP = 'RMQ_SYS_TRANS_OP_HALF_TOPIC'
export const GIVEN_UP = 'TRANS_CHECK_MAX_TIME_TOPIC'
export const GROUP = 'PG'
export const COMMIT = 8
export const ROLLBACK = 12

const END_TRANSACTION = 37
const RESUME_CHECK = 323

/** Offsets that outlive the parts that keep them, as the file does; `snapshot` is what a crash goes back to. */
export class TestOffsets {
  #offsets = new Map<string, number>()
  #saved = new Map<string, number>()

  find(group: string, topic: string, queueId: number): number | undefined {
    return this.#offsets.get(`${topic}@${group}:${queueId}`)
  }

  commit(group: string, topic: string, queueId: number, queueOffset: number): boolean {
    this.#offsets.set(`${topic}@${group}:${queueId}`, queueOffset)
    return true
  }

  persist(): void {
    this.#saved = new Map(this.#offsets)
  }

  crash(): void {
    this.#offsets = new Map(this.#saved)
  }
}

/** A half as a producer knows it. */
export interface SentHalf {
  readonly queueOffset: number
  readonly physicalOffset: number
}

/** A question that reached a producer. */
export interface Question {
  readonly to: FakeConnection
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** Transactions on a real store in a folder, with a clock that stands still and producers that only listen. */
export class TransactionBench {
  readonly clock = new ManualClock()
  readonly log = new LogLines()
  readonly offsets = new TestOffsets()
  readonly config: BrokerConfig
  readonly folder: string
  readonly #options: Partial<StoreOptions>
  store!: MessageStore
  gate!: DurabilityGate
  messages!: StoredMessages
  producers!: ProducerTable
  transactions!: Transactions
  topics!: TopicTable
  parts = new Parts()
  #writer!: MessageWriter

  constructor(folder: string, properties: Readonly<Record<string, string>>, options: Partial<StoreOptions>) {
    this.folder = folder
    this.config = testConfig(folder, properties)
    this.#options = options
  }

  async open(): Promise<void> {
    const { clock, config, offsets, log: logger } = this
    const flush = { mode: 'async', intervalMs: 1, leastPages: 0 } as const
    this.parts = new Parts()
    this.store = await openMessageStore(smallStore(`${this.folder}/store`, { flush, ...this.#options }))
    this.parts.onStop('store', () => this.store.close())
    this.topics = await this.parts.start('topics', () => TopicTable.load({ config, clock, logger }))
    this.producers = await this.parts.start('producers', () => new ProducerTable(clock))
    this.gate = await this.parts.start('gate', () => new DurabilityGate(this.store, clock, 5000))
    this.messages = new StoredMessages(this.store)
    this.#writer = new MessageWriter(this.store, this.gate, [])
    this.transactions = createTransactions({
      ...{ config, clock, logger, offsets, store: this.store, gate: this.gate, topics: this.topics },
      ...{ messages: this.messages, producers: this.producers, writer: this.#writer },
      storeHost: { address: '127.0.0.1', port: 10_911 },
    })
  }

  /** Ends as a broker does that is told to. */
  async stop(): Promise<void> {
    await this.transactions.check.stop()
    await this.transactions.ledger.stop()
    this.offsets.persist()
    await this.parts.stop()
  }

  /** Ends as a process does that is killed: offsets are those of the last time they were saved. */
  async crash(): Promise<void> {
    await this.transactions.check.stop()
    await this.parts.stop()
    this.offsets.crash()
  }

  /** A producer of the group that is connected from now on. */
  connect(group = GROUP): FakeConnection {
    const connection = new FakeConnection()
    this.producers.register({ connection, clientId: `client-${connection.id}`, language: 0, version: 409 }, group)
    return connection
  }

  message(properties: Readonly<Record<string, string>> = {}, more: Partial<NewMessage> = {}): NewMessage {
    return {
      ...{ topic: 'Orders', queueId: 2, flag: 7, sysFlag: 4, reconsumeTimes: 0, preparedTransactionOffset: 0 },
      ...{ bornTimestampMs: this.clock.nowMs(), bornHost: hostAddress('10.1.2.3', 4567), body: Buffer.from('order') },
      properties: new Map(Object.entries({ TRAN_MSG: 'true', PGROUP: GROUP, ...properties })),
      ...more,
    }
  }

  /** What the send path does with a message of a transaction. */
  sendHalf(properties: Readonly<Record<string, string>> = {}, more: Partial<NewMessage> = {}): SentHalf {
    return this.write(halfDetour(this.config, this.topics).redirect(this.message(properties, more)))
  }

  write(message: NewMessage): Written {
    const written = this.#writer.write(message)
    if (written.status !== 0) throw new Error(`not written: status ${written.status}`)
    return written
  }

  end(
    half: SentHalf,
    commitOrRollback: number,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer | undefined> {
    return this.request(END_TRANSACTION, {
      producerGroup: GROUP,
      tranStateTableOffset: String(half.queueOffset),
      commitLogOffset: String(half.physicalOffset),
      commitOrRollback: String(commitOrRollback),
      msgId: 'unused',
      ...more,
    })
  }

  resume(msgId: string | undefined): Promise<Answer | undefined> {
    return this.request(RESUME_CHECK, msgId === undefined ? {} : { msgId })
  }

  /** The answer of a handler, as the dispatcher would give it. */
  async request(code: number, fields: Readonly<Record<string, string>>, oneway = false): Promise<Answer | undefined> {
    const handler = this.transactions.handlers.find(({ command }) => command.code === code)!
    const request: RemotingCommand = {
      ...{ code, language: 0, version: 409, opaque: 1, flag: oneway ? FLAG_ONEWAY : 0, remark: undefined },
      ...{ extFields: new Map(Object.entries(fields)), body: Buffer.alloc(0), serializeType: 0 },
    }
    try {
      return await handler.answer({ connection: new FakeConnection(), request })
    } catch (error) {
      const { responseCode = 1, message } = error as { responseCode?: number; message: string }
      return { code: responseCode, remark: message }
    }
  }

  /** One round, on all that was stored before. */
  async round(): Promise<RoundReport> {
    await this.dispatched()
    return this.transactions.check.round()
  }

  dispatched(): Promise<void> {
    return this.store.whenDispatched(this.store.watermarks.appended)
  }

  /** Everything in a queue. */
  async read(topic: string, queueId = 0): Promise<StoredMessage[]> {
    await this.dispatched()
    const all: StoredMessage[] = []
    for (let from = 0; ; ) {
      const { messages, nextOffset } = await this.messages.ofQueue(topic, queueId, from, 1000)
      all.push(...messages)
      if (nextOffset <= from) return all
      from = nextOffset
    }
  }

  /** What the group has saved of the half and the op queue. */
  saved(): (number | undefined)[] {
    return [HALF, OP].map((topic) => this.offsets.find('CID_RMQ_SYS_TRANS', topic, 0))
  }
}

/** What producers were asked and did not look at yet. */
export const questionsTo = (...connections: FakeConnection[]): Question[] =>
  connections.flatMap((to) =>
    to.sent
      .splice(0)
      .map(({ extFields, body }) => ({ to, fields: extFields ?? new Map(), body: body ?? Buffer.alloc(0) })),
  )

/** The half that a question is about. */
export const halfIn = ({ fields }: Question): SentHalf => ({
  queueOffset: Number(fields.get('tranStateTableOffset')),
  physicalOffset: Number(fields.get('commitLogOffset')),
})

/** Open until the test is over. */
export const startTransactionBench = async (
  t: TestContext,
  properties: Readonly<Record<string, string>> = {},
  options: Partial<StoreOptions> = {},
): Promise<TransactionBench> => {
  const bench = new TransactionBench(await testFolder(t), properties, options)
  await bench.open()
  atEnd(t, () => bench.parts.stop())
  return bench
}
