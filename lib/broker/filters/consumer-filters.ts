import { join } from 'node:path'
import { readWithBackup } from '../../base/atomic-file.ts'
import type { Clock, TimerHandle } from '../../base/clock.ts'
import { errorText } from '../../base/errors.ts'
import type { Logger } from '../../base/logging.ts'
import { BloomFilter, type SqlFilter } from '../../filter/index.ts'
import {
  type ConsumerFilterData,
  consumerFilterText,
  decodeConsumerFilters,
  encodeConsumerFilters,
  isDead,
} from '../../protocol/bodies/consumer-filters.ts'
import { isTagType, type SubscriptionData } from '../../protocol/bodies/subscription-data.ts'
import type { FilterBits } from '../../store/filter-bits.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { StateFile } from '../state-file.ts'
import { type BitMapFilter, FilterBitMaps } from './filter-bit-maps.ts'
import type { SqlFilters } from './sql-filters.ts'

/** Most filters of all groups; a client that invents groups gets no further. */
export const MAX_FILTERS = 10_000
/** Most characters of all their expressions. */
export const MAX_FILTER_CHARACTERS = 4 << 20
const SQL_TYPE = 'SQL92'
const CLEAN_INTERVAL_MS = 10_000
/** Filters of the file count as left behind by consumers that went this long before the start. */
const GONE_BEFORE_START_MS = 30_000

/** The filter of a group on a topic, as it was registered last. */
export interface RegisteredFilter {
  readonly data: Pick<ConsumerFilterData, 'clientVersion'>
  readonly compiled: SqlFilter
  /** What bit maps of queue entries say of it; undefined: nothing. */
  readonly bits?: FilterBits | undefined
}

/** What the pull path asks for. */
export interface FilterFinder {
  find(topic: string, group: string): RegisteredFilter | undefined
}

/** What the table needs. */
export interface ConsumerFiltersOptions {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly sql: SqlFilters
}

interface Entry extends RegisteredFilter, BitMapFilter {
  data: ConsumerFilterData
  bits: FilterBits | undefined
}

/**
 * SQL filters of consumer groups, as their heartbeats name them, kept in `config/consumerFilter.json` for
 * `filterDataCleanTimeSpan` after their groups have gone.
 */
export class ConsumerFilters implements FilterFinder {
  readonly #options: ConsumerFiltersOptions
  readonly #bloom: BloomFilter
  /** Starts with the store. */
  readonly bitMaps: FilterBitMaps
  /** group -> topic -> filter */
  readonly #groups = new Map<string, Map<string, Entry>>()
  readonly #file: StateFile
  readonly #timer: TimerHandle
  #count = 0
  #characters = 0

  private constructor(options: ConsumerFiltersOptions) {
    this.#options = options
    const { store, filter } = options.config.current
    this.#bloom = new BloomFilter(filter.bloomErrorPercent, filter.expectedGroups)
    this.bitMaps = new FilterBitMaps(this.#bloom.bitNum, () => this.#entries(), options)
    const path = join(store.configDir, 'consumerFilter.json')
    this.#file = new StateFile({ ...options, path, encode: () => this.encode() })
    this.#timer = options.clock.every(CLEAN_INTERVAL_MS, () => this.#clean())
  }

  /**
   * Reads consumerFilter.json, or its previous generation. Nothing of it counts when one filter has the bits of a bloom
   * filter of other sizes.
   * @throws {FileError} `FILE_UNREADABLE`
   */
  static async load(options: ConsumerFiltersOptions): Promise<ConsumerFilters> {
    const path = join(options.config.current.store.configDir, 'consumerFilter.json')
    const stored = await readWithBackup(path, decodeConsumerFilters)
    const table = new ConsumerFilters(options)
    const all = [...(stored?.values() ?? [])].flatMap((groups) => [...groups.values()])
    if (all.every(({ bloomFilterData }) => table.#bloom.isValid(bloomFilterData))) {
      for (const data of all) table.#restore(data)
    } else options.logger.warn({ path }, 'the bloom filter has changed: stored consumer filters are ignored')
    return table
  }

  /** Filters of all groups. */
  get size(): number {
    return this.#count
  }

  find(topic: string, group: string): RegisteredFilter | undefined {
    return this.#groups.get(group)?.get(topic)
  }

  /** A filter as JSON, for tools; undefined when the group has none on the topic. */
  describe(topic: string, group: string): string | undefined {
    const entry = this.#groups.get(group)?.get(topic)
    return entry === undefined ? undefined : consumerFilterText(entry.data)
  }

  /** Takes in the subscriptions of a group's member; filters on topics that are not among them are dead from now on. */
  register(group: string, subscriptions: readonly SubscriptionData[]): void {
    const topics = new Set<string>()
    for (const subscription of subscriptions) {
      topics.add(subscription.topic)
      if (!isTagType(subscription.expressionType) && subscription.subString !== '') this.#take(group, subscription)
    }
    this.#end(group, (topic) => !topics.has(topic))
  }

  /** The group has no members any more. */
  unregister(group: string): void {
    this.#end(group, () => true)
  }

  /** The content of consumerFilter.json. */
  encode(): Buffer {
    const topics = new Map<string, Map<string, ConsumerFilterData>>()
    for (const [group, filters] of this.#groups) {
      for (const [topic, { data }] of filters) topics.set(topic, (topics.get(topic) ?? new Map()).set(group, data))
    }
    return encodeConsumerFilters(topics)
  }

  /** Resolves when every change so far is on the device. */
  flush(): Promise<void> {
    return this.#file.flush()
  }

  stop(): Promise<void> {
    this.bitMaps.stop()
    this.#timer.cancel()
    return this.#file.stop()
  }

  #take(group: string, { topic, subString, expressionType, subVersion }: SubscriptionData): void {
    const old = this.#groups.get(group)?.get(topic)
    const bloomFilterData = this.#bloom.dataOf(`${group}#${topic}`)
    if (old !== undefined && subVersion <= old.data.clientVersion) {
      if (subVersion === old.data.clientVersion && isDead(old.data)) this.#revive(old, subVersion)
    } else if (old?.data.expression === subString && old.data.expressionType === expressionType) {
      this.#revive(old, subVersion)
    } else {
      const bornTime = this.#options.clock.nowMs()
      const names = { topic, consumerGroup: group, expression: subString, expressionType, clientVersion: subVersion }
      this.#put({ ...names, bornTime, deadTime: 0, bloomFilterData })
    }
  }

  #revive(entry: Entry, clientVersion: number): void {
    entry.data = { ...entry.data, clientVersion, deadTime: isDead(entry.data) ? 0 : entry.data.deadTime }
    this.#file.changed()
  }

  /** A filter that does not compile removes the one before it: the client is told when it pulls. */
  #put(data: ConsumerFilterData): void {
    const { topic, consumerGroup, expression } = data
    this.#remove(topic, consumerGroup)
    const compiled = this.#compile(data)
    if (compiled === undefined) return
    const filters = this.#groups.get(consumerGroup) ?? new Map<string, Entry>()
    this.#groups.set(consumerGroup, filters.set(topic, { data, compiled, bits: undefined, program: undefined }))
    this.#count += 1
    this.#characters += expression.length
    this.#options.logger.info({ topic, group: consumerGroup, expression }, 'consumer filter registered')
    this.#file.changed()
    this.bitMaps.changed()
  }

  #compile({ topic, consumerGroup: group, expression, expressionType }: ConsumerFilterData): SqlFilter | undefined {
    const { logger, sql } = this.#options
    if (this.#count >= MAX_FILTERS || this.#characters + expression.length > MAX_FILTER_CHARACTERS) {
      logger.warn({ topic, group }, 'consumer filter refused: there are too many')
      return undefined
    }
    try {
      if (expressionType === SQL_TYPE) return sql.compile(expression)
      logger.warn({ topic, group, expressionType }, 'consumer filter refused: its type is unknown')
    } catch (error) {
      logger.warn({ topic, group, reason: errorText(error) }, 'consumer filter refused')
    }
    return undefined
  }

  #restore(data: ConsumerFilterData): void {
    const deadTime = Math.max(data.bornTime, this.#options.clock.nowMs() - GONE_BEFORE_START_MS)
    this.#put(data.deadTime === 0 ? { ...data, deadTime } : data)
  }

  #remove(topic: string, group: string): void {
    const filters = this.#groups.get(group)
    const entry = filters?.get(topic)
    if (filters === undefined || entry === undefined) return
    // A pull that waits with this filter may be answered after the next one is known.
    entry.bits?.revoke()
    filters.delete(topic)
    if (filters.size === 0) this.#groups.delete(group)
    this.#count -= 1
    this.#characters -= entry.data.expression.length
    this.#file.changed()
    this.bitMaps.changed()
  }

  *#entries(): Iterable<Entry> {
    for (const filters of this.#groups.values()) yield* filters.values()
  }

  #end(group: string, concerns: (topic: string) => boolean): void {
    for (const [topic, entry] of this.#groups.get(group) ?? []) {
      if (isDead(entry.data) || !concerns(topic)) continue
      entry.data = { ...entry.data, deadTime: this.#options.clock.nowMs() }
      this.#file.changed()
    }
  }

  #clean(): void {
    const goneBefore = this.#options.clock.nowMs() - this.#options.config.current.filter.cleanAfterMs
    for (const [group, filters] of this.#groups) {
      for (const [topic, { data }] of filters) {
        if (isDead(data) && data.deadTime <= goneBefore) this.#remove(topic, group)
      }
    }
  }
}
