import { open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '../../../../lib/base/logging.ts'
import type { BrokerOptions } from '../../../../lib/broker/config/broker-options.ts'
import { DurabilityGate } from '../../../../lib/broker/durability.ts'
import { MessageWriter, type Written } from '../../../../lib/broker/messages/message-writer.ts'
import { StoredMessages } from '../../../../lib/broker/messages/stored-messages.ts'
import { recallKey } from '../../../../lib/broker/timer/recalls.ts'
import { TimerDetour } from '../../../../lib/broker/timer/timer-detour.ts'
import { TimerNotes } from '../../../../lib/broker/timer/timer-notes.ts'
import { Timers } from '../../../../lib/broker/timer/timers.ts'
import { hostAddress } from '../../../../lib/protocol/host-address.ts'
import type { StoredMessage } from '../../../../lib/protocol/message-codec.ts'
import { TIMER_TOPIC } from '../../../../lib/protocol/names.ts'
import { type MessageStore, openMessageStore, type StoreOptions } from '../../../../lib/store/index.ts'
import { smallStore } from '../../../store/support/store-fixture.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { waitFor } from '../../../support/wait-for.ts'

export const DAY_MS = 86_400_000

/** A manual clock whose wall time can be set besides. */
export class WallClock extends ManualClock {
  #setByMs = 0

  override nowMs(): number {
    return super.nowMs() + this.#setByMs
  }

  /** Sets the wall clock; timers that are running are not affected. */
  jump(byMs: number): void {
    this.#setByMs += byMs
  }
}

export interface TimerSettings {
  readonly clock: WallClock
  readonly timer?: Partial<BrokerOptions['timer']>
  readonly reservedMs?: number
  readonly store?: Partial<StoreOptions>
  readonly wrapStore?: (store: MessageStore) => MessageStore
}

const message = (topic: string, body: string, properties: Readonly<Record<string, string>>) => ({
  topic,
  queueId: 0,
  flag: 7,
  sysFlag: 0,
  bornTimestampMs: 1_700_000_000_000,
  bornHost: hostAddress('10.1.2.3', 4567),
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from(body),
  properties: new Map(Object.entries(properties)),
})

/** Timers on a real store, and nothing else of a broker. */
export class TimerWorld {
  readonly clock: WallClock
  readonly store: MessageStore
  readonly timers: Timers
  readonly messages: StoredMessages
  readonly writer: MessageWriter
  readonly detour: TimerDetour
  readonly #gate: DurabilityGate

  private constructor(opened: MessageStore, settings: TimerSettings) {
    const { clock } = settings
    const store = settings.wrapStore?.(opened) ?? opened
    const options: BrokerOptions['timer'] = {
      enabled: true,
      maxDelayMs: 41 * DAY_MS,
      precisionMs: 1,
      maxPending: 1_000_000,
      recallEnabled: true,
      recallWhenNotWritable: true,
      ...settings.timer,
    }
    this.clock = clock
    this.store = store
    this.#gate = new DurabilityGate(store, clock, 5000)
    const notes = new TimerNotes()
    this.detour = new TimerDetour({
      clock,
      notes,
      options: () => options,
      pending: () => this.timers.pending.size,
      brokerName: () => 'broker-a',
    })
    this.writer = new MessageWriter(store, this.#gate, [this.detour])
    this.messages = new StoredMessages(store)
    this.timers = new Timers({
      clock,
      logger: silentLogger,
      store,
      gate: this.#gate,
      onDelivered: () => undefined,
      writer: this.writer,
      messages: this.messages,
      notes,
      retention: () => ({ reservedMs: settings.reservedMs ?? 100 * DAY_MS }),
    })
  }

  static async open(directory: string, settings: TimerSettings): Promise<TimerWorld> {
    const store = await openMessageStore(smallStore(directory, { segmentBytes: 8 << 20, ...settings.store }))
    const world = new TimerWorld(store, settings)
    await world.timers.start()
    return world
  }

  /** Sends one message that is due at a time. */
  schedule(topic: string, body: string, deliverMs: number, more: Readonly<Record<string, string>> = {}): Written {
    return this.writer.write(message(topic, body, { TIMER_DELIVER_MS: String(deliverMs), UNIQ_KEY: body, ...more }))
  }

  /** As the handler of code 370 does it. */
  recall(topic: string, body: string, deliverMs: number): Written {
    const key = recallKey(topic, body)
    const written = this.writer.write({
      ...message(TIMER_TOPIC, '0', {
        TIMER_DEL_UNIQKEY: key,
        UNIQ_KEY: body,
        TIMER_OUT_MS: String(deliverMs - 1),
        REAL_TOPIC: topic,
        REAL_QID: '0',
      }),
    })
    this.timers.recalled(deliverMs, key)
    return written
  }

  /** Waits until all that is stored was read and all that is due was delivered. */
  async settled(): Promise<void> {
    await waitFor(
      'the timers',
      () => {
        this.clock.advance(0)
        const { watermarks } = this.store
        const max = this.store.bounds(this.store.topic(TIMER_TOPIC), 0)?.max ?? 0
        return (
          watermarks.dispatched === watermarks.appended &&
          this.timers.isReady &&
          this.timers.readTo >= max &&
          this.timers.pending.nextDueMs > this.clock.nowMs()
        )
      },
      { everyMs: 1 },
    )
  }

  /** Moves the wall clock and delivers what is due then. */
  async jump(byMs: number): Promise<void> {
    this.clock.jump(byMs)
    this.clock.advance(1000)
    await this.settled()
  }

  /** Moves both clocks and delivers what is due then. */
  async advance(byMs: number): Promise<void> {
    this.clock.advance(byMs)
    await this.settled()
  }

  async delivered(topic: string, queueId = 0): Promise<StoredMessage[]> {
    await waitFor('the dispatch', () => this.store.watermarks.dispatched === this.store.watermarks.appended)
    const found: StoredMessage[] = []
    for (let at = 0; ; ) {
      const { messages, nextOffset, maxOffset } = await this.messages.ofQueue(topic, queueId, at, 100)
      found.push(...messages)
      if (nextOffset >= maxOffset) return found
      at = nextOffset
    }
  }

  async bodies(topic: string, queueId = 0): Promise<string[]> {
    return (await this.delivered(topic, queueId)).map(({ body }) => body.toString())
  }

  async close(): Promise<void> {
    await this.timers.stop()
    this.#gate.stop()
    await this.store.close()
  }
}

/** What a crash may leave: the log ends at an offset, and nothing besides it is there. */
export const cutLog = async (directory: string, physicalOffset: number): Promise<void> => {
  const folder = join(directory, 'commitlog')
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), 'r+')
    try {
      const { size } = await file.stat()
      const from = Math.max(0, physicalOffset - Number(name))
      if (from < size) await file.write(Buffer.alloc(size - from), 0, size - from, from)
    } finally {
      await file.close()
    }
  }
  for (const gone of ['consumequeue', 'index', 'checkpoint']) {
    await rm(join(directory, gone), { recursive: true, force: true })
  }
  await writeFile(join(directory, 'abort'), '')
}
