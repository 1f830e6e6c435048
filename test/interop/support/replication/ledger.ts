import { deepEqual, equal, match } from 'node:assert/strict'
import type { OutgoingMessage, ReceivedMessage, SendMode, SentMessage } from '../../../support/java-client.ts'
import { assertEachOnce, makeMessages } from '../messages.ts'
import { eventually, type SemanticsStage } from '../semantics/stage.ts'

type Status = SentMessage['status']

const OFFSET_ID = /^[0-9A-F]{32}$/

/** A topic, its producer, and everything a broker said it has stored in it. */
export class Ledger {
  readonly topic: string
  readonly sent: OutgoingMessage[] = []
  readonly #stage: SemanticsStage
  readonly #producer: string
  readonly #puller: string
  /** By key. */
  readonly #offsetIds = new Map<string, string>()
  #probes = 0

  private constructor(stage: SemanticsStage, topic: string, producer: string, puller: string) {
    this.#stage = stage
    this.topic = topic
    this.#producer = producer
    this.#puller = puller
  }

  static async open(stage: SemanticsStage, stem: string, queues = 4): Promise<Ledger> {
    const topic = await stage.topic(stem, queues)
    // Both before any broker stands still: clients do not start until all have answered a heartbeat.
    const producer = await stage.producer()
    const puller = stage.settings('puller')
    await stage.driver.createPullConsumer({ ...puller, pollNameServerMs: 1000 })
    return new Ledger(stage, topic, producer, puller.name)
  }

  /** Gives the statuses that came; every answer must tell where the message is. */
  async send(mode: SendMode, messages: readonly OutgoingMessage[]): Promise<ReadonlySet<Status>> {
    const results = await this.#stage.driver.send(this.#producer, this.topic, mode, messages)
    const ids = results.flatMap(({ offsetMsgId }) => offsetMsgId.split(','))
    equal(ids.length, messages.length)
    for (const [index, id] of ids.entries()) {
      match(id, OFFSET_ID)
      this.#offsetIds.set(messages[index]!.keys!, id)
    }
    this.sent.push(...messages)
    return new Set(results.map(({ status }) => status))
  }

  /** Sends in every way that has a result; all must have the status. */
  async sendAll(stem: string, status: Status, countPerMode = 4): Promise<void> {
    for (const mode of ['sync', 'async', 'batch'] as const) {
      const keys = `${this.topic}-${stem}-${mode}`
      deepEqual([...(await this.send(mode, makeMessages(keys, countPerMode)))], [status], `${stem}, ${mode}`)
    }
  }

  /** Sends one message after the other until one has the status. */
  async sendUntil(status: Status): Promise<void> {
    await eventually(`a send with status ${status}`, async () => {
      const [got] = await this.send('sync', makeMessages(`${this.topic}-probe-${this.#probes++}`, 1))
      if (got !== status) throw new Error(`the status is ${got}`)
      return true
    })
  }

  /** Fails unless these are all messages sent, once each, as they were sent and where the answers said. */
  check(received: readonly ReceivedMessage[]): void {
    assertEachOnce(this.sent, received)
    for (const { keys, offsetMsgId } of received) equal(offsetMsgId, this.#offsetIds.get(keys!), `where ${keys} is`)
  }

  /** Reads the topic by a pull consumer and checks. */
  async readAndCheck(): Promise<void> {
    this.check(await this.#stage.read(this.#puller, this.topic, this.sent.length))
  }
}
