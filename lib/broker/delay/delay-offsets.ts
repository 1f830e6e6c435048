import { join } from 'node:path'
import { readWithBackup } from '../../base/atomic-file.ts'
import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { type DelayOffsetWrapper, decodeDelayOffsets, encodeDelayOffsets } from '../../protocol/bodies/offsets.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { StateFile } from '../state-file.ts'

const LATEST_FIRST_WRITE_MS = 10_000

/** What the offsets of delayed delivery need. */
export interface DelayOffsetsOptions {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly store: Pick<MessageStore, 'whenFlushed'>
}

/**
 * Which message of each delay level is delivered next, kept in `config/delayOffset.json`. The file says only what holds
 * after a power loss: an offset is written when the messages delivered up to there are on the device.
 */
export class DelayOffsets {
  readonly #options: DelayOffsetsOptions
  readonly #file: StateFile
  readonly #timer: TimerHandle
  readonly #live: Map<number, number>
  /** What another version wrote into the file beside the offsets. */
  readonly #others: Omit<DelayOffsetWrapper, 'offsetTable'>
  #durable: ReadonlyMap<number, number>
  /** End in the log of what was delivered last. */
  #deliveredEnd = 0
  #changed = false
  #saving: Promise<void> = Promise.resolve()

  private constructor(options: DelayOffsetsOptions, { offsetTable, ...others }: DelayOffsetWrapper) {
    this.#options = options
    this.#live = new Map(offsetTable)
    this.#durable = offsetTable
    this.#others = others
    const { store, delay } = options.config.current
    const path = join(store.configDir, 'delayOffset.json')
    this.#file = new StateFile({ ...options, path, encode: () => this.#encoded(this.#durable, true) })
    const everyMs = delay.flushOffsetsIntervalMs
    const firstMs = Math.min(everyMs, LATEST_FIRST_WRITE_MS)
    this.#timer = options.clock.every(everyMs, () => void this.#save(), firstMs)
  }

  /**
   * Reads delayOffset.json, or its previous generation.
   * @throws {FileError} `FILE_UNREADABLE`
   */
  static async load(options: DelayOffsetsOptions): Promise<DelayOffsets> {
    const path = join(options.config.current.store.configDir, 'delayOffset.json')
    const stored = await readWithBackup(path, decodeDelayOffsets)
    return new DelayOffsets(options, stored ?? { offsetTable: new Map() })
  }

  /** Queue offset to deliver next; 0 when nothing of the level was delivered yet. */
  of(level: number): number {
    return this.#live.get(level) ?? 0
  }

  /** Levels of which something was delivered, with the offset that comes next. */
  all(): ReadonlyMap<number, number> {
    return this.#live
  }

  /**
   * Goes on behind what was delivered, or leads to nothing.
   * @param endOffset end in the log of the message delivered; 0 when there is none
   */
  advance(level: number, nextOffset: number, endOffset: number): void {
    this.#live.set(level, nextOffset)
    this.#deliveredEnd = Math.max(this.#deliveredEnd, endOffset)
    this.#changed = true
  }

  /** The table as JSON: as it is now, not as the file has it. */
  encode(pretty: boolean): Buffer {
    return this.#encoded(this.#live, pretty)
  }

  /** Resolves when what was delivered so far is in the file, unless the store cannot make it durable. */
  async flush(): Promise<void> {
    await this.#save()
    await this.#file.flush()
  }

  async stop(): Promise<void> {
    this.#timer.cancel()
    await this.#save()
    await this.#file.stop()
  }

  #encoded(offsets: ReadonlyMap<number, number>, pretty: boolean): Buffer {
    const offsetTable = new Map([...offsets].sort(([a], [b]) => a - b))
    return encodeDelayOffsets({ offsetTable, ...this.#others }, pretty)
  }

  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow())
    return this.#saving
  }

  async #saveNow(): Promise<void> {
    if (!this.#changed) return
    this.#changed = false
    const offsets = new Map(this.#live)
    try {
      await this.#options.store.whenFlushed(this.#deliveredEnd)
    } catch (error) {
      // What is in the file stays true: after a restart these messages are delivered once more.
      this.#changed = true
      this.#options.logger.warn({ error }, 'delayOffset.json not written: what was delivered is not on the device')
      return
    }
    this.#durable = offsets
    this.#file.changed()
  }
}
