import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { readWithBackup } from '../../base/atomic-file.ts'
import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { consumerOffsetParts, decodeConsumerOffsets, encodeConsumerOffsets } from '../../protocol/bodies/offsets.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { StateFile } from '../state-file.ts'
import { MAX_QUEUES } from '../topics/topic-table.ts'

/** Most pairs of topic and group; a client that invents pairs gets no further. */
export const MAX_OFFSET_KEYS = 500_000
/** Most offsets of all queues together; a client that invents queues gets no further. */
export const MAX_OFFSETS = 4_000_000
const FIRST_FLUSH_MS = 10_000
/** Pairs that are written before other work gets its turn. */
const PAIRS_PER_TURN = 1000
/** Between topic and group in the file; neither name can contain it. */
const SEPARATOR = '@'

const NO_QUEUES: ReadonlyMap<number, number> = new Map()

/** What parts that only ask may do. */
export interface OffsetReader {
  find(group: string, topic: string, queueId: number): number | undefined
}

/** What the pull path may do. */
export interface OffsetWriter extends OffsetReader {
  commit(group: string, topic: string, queueId: number, queueOffset: number): boolean
}

/** What the offset table needs. */
export interface ConsumerOffsetsOptions {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Default `MAX_OFFSETS`. */
  readonly maxOffsets?: number
}

/** Where all groups stand, kept in `config/consumerOffset.json`; written every `flushConsumerOffsetInterval`. */
export class ConsumerOffsets implements OffsetWriter {
  readonly #logger: Logger
  /** topic -> group -> queue -> offset */
  readonly #topics = new Map<string, Map<string, Map<number, number>>>()
  readonly #file: StateFile
  readonly #timer: TimerHandle
  #keys = 0
  #offsets = 0
  readonly #maxOffsets: number
  #changed = false

  private constructor(options: ConsumerOffsetsOptions) {
    this.#logger = options.logger
    this.#maxOffsets = options.maxOffsets ?? MAX_OFFSETS
    const { store, offsets } = options.config.current
    const path = join(store.configDir, 'consumerOffset.json')
    this.#file = new StateFile({ ...options, path, encode: () => this.#encodeInTurns() })
    this.#timer = options.clock.every(offsets.flushIntervalMs, () => this.#announce(), FIRST_FLUSH_MS)
  }

  /**
   * Reads consumerOffset.json, or its previous generation.
   * @throws {FileError} `FILE_UNREADABLE`
   */
  static async load(options: ConsumerOffsetsOptions): Promise<ConsumerOffsets> {
    const path = join(options.config.current.store.configDir, 'consumerOffset.json')
    const stored = await readWithBackup(path, decodeConsumerOffsets)
    const table = new ConsumerOffsets(options)
    for (const [key, queues] of stored?.offsetTable ?? []) {
      const [topic = '', group, ...rest] = key.split(SEPARATOR)
      if (group === undefined || rest.length > 0) continue
      table.#groupsOf(topic).set(group, new Map(queues))
      table.#keys += 1
      table.#offsets += queues.size
    }
    return table
  }

  /** Pairs of topic and group that have offsets. */
  get size(): number {
    return this.#keys
  }

  /** The stored offset; undefined when the group never stored one for the queue. */
  find(group: string, topic: string, queueId: number): number | undefined {
    return this.#topics.get(topic)?.get(group)?.get(queueId)
  }

  /**
   * Stores an offset as the client says, whatever the queue's bounds. Callers have checked that names are valid.
   * @returns false when the pair or queue is new and the table is full, or a number is no offset
   */
  commit(group: string, topic: string, queueId: number, queueOffset: number): boolean {
    if (!Number.isSafeInteger(queueOffset) || queueId < 0 || queueId >= MAX_QUEUES) return false
    const queues = this.#topics.get(topic)?.get(group) ?? this.#add(group, topic)
    if (queues === undefined) return false
    if (!queues.has(queueId)) {
      if (this.#offsets >= this.#maxOffsets) return false
      this.#offsets += 1
    }
    queues.set(queueId, queueOffset)
    this.#changed = true
    return true
  }

  /** Topics for which a group has offsets. */
  topicsOf(group: string): string[] {
    return [...this.#topics].filter(([, groups]) => groups.has(group)).map(([topic]) => topic)
  }

  /** Groups that have offsets for a topic. */
  groupsOf(topic: string): string[] {
    return [...(this.#topics.get(topic)?.keys() ?? [])]
  }

  /** Offsets of a group in a topic by queue; empty when it has none. A live view. */
  queuesOf(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#topics.get(topic)?.get(group) ?? NO_QUEUES
  }

  /**
   * Gives a group the offsets that another has in a topic, in place of its own.
   * @returns false when the other has none or the table is full; nothing is changed then
   */
  copy(fromGroup: string, toGroup: string, topic: string): boolean {
    const queues = this.queuesOf(fromGroup, topic)
    const before = this.queuesOf(toGroup, topic).size
    if (queues.size === 0 || fromGroup === toGroup) return false
    if (this.#offsets - before + queues.size > this.#maxOffsets) return false
    if (before === 0 && this.#keys >= MAX_OFFSET_KEYS) return false
    this.remove(toGroup, topic)
    this.#groupsOf(topic).set(toGroup, new Map(queues))
    this.#keys += 1
    this.#offsets += queues.size
    this.#changed = true
    return true
  }

  /** Forgets the offsets of one group in one topic. False when it has none. */
  remove(group: string, topic: string): boolean {
    const groups = this.#topics.get(topic)
    const queues = groups?.get(group)
    if (groups === undefined || queues === undefined) return false
    groups.delete(group)
    if (groups.size === 0) this.#topics.delete(topic)
    this.#keys -= 1
    this.#offsets -= queues.size
    this.#changed = true
    return true
  }

  /** Forgets all offsets of a group. */
  removeGroup(group: string): void {
    for (const topic of this.topicsOf(group)) this.remove(group, topic)
  }

  /** Forgets the offsets of all groups in a topic. */
  removeTopic(topic: string): void {
    for (const group of this.groupsOf(topic)) this.remove(group, topic)
  }

  /** Every pair of topic and group that has offsets. */
  *pairs(): Iterable<{ readonly topic: string; readonly group: string; readonly queues: ReadonlyMap<number, number> }> {
    for (const [topic, groups] of this.#topics) for (const [group, queues] of groups) yield { topic, group, queues }
  }

  /** The table as JSON, as consumerOffset.json holds it (pretty) and code 43 answers it. */
  encode(pretty: boolean): Buffer {
    const offsetTable = new Map<string, ReadonlyMap<number, number>>()
    for (const [topic, groups] of this.#topics) {
      for (const [group, queues] of groups) offsetTable.set(topic + SEPARATOR + group, queues)
    }
    return encodeConsumerOffsets({ offsetTable }, pretty)
  }

  /** The file. Offsets stored meanwhile may be in it or not: they are changes that the next write has. */
  async #encodeInTurns(): Promise<Buffer> {
    const entries = [...this.pairs()].map(({ topic, group, queues }) => [topic + SEPARATOR + group, queues] as const)
    const parts: Buffer[] = []
    for (const part of consumerOffsetParts(entries, PAIRS_PER_TURN)) {
      if (parts.length > 0) await nextTurn()
      parts.push(part)
    }
    return Buffer.concat(parts)
  }

  /** Resolves when every change so far is on the device. */
  flush(): Promise<void> {
    this.#announce()
    return this.#file.flush()
  }

  stop(): Promise<void> {
    this.#timer.cancel()
    this.#announce()
    return this.#file.stop()
  }

  #announce(): void {
    if (!this.#changed) return
    this.#changed = false
    this.#file.changed()
  }

  #add(group: string, topic: string): Map<number, number> | undefined {
    if (this.#keys >= MAX_OFFSET_KEYS) {
      this.#logger.debug({ group, topic }, 'offset not stored: the table is full')
      return undefined
    }
    const queues = new Map<number, number>()
    this.#groupsOf(topic).set(group, queues)
    this.#keys += 1
    return queues
  }

  #groupsOf(topic: string): Map<string, Map<number, number>> {
    let groups = this.#topics.get(topic)
    if (groups === undefined) {
      groups = new Map()
      this.#topics.set(topic, groups)
    }
    return groups
  }
}
