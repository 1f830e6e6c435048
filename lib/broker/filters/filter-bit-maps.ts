import type { Clock, TimerHandle } from '../../base/clock.ts'
import { errorText } from '../../base/errors.ts'
import type { Logger } from '../../base/logging.ts'
import { sqlProgram } from '../../filter/index.ts'
import type { ConsumerFilterData } from '../../protocol/bodies/consumer-filters.ts'
import { FilterBits, type StoreFilter } from '../../store/filter-bits.ts'
import type { MessageStore } from '../../store/message-store.ts'

/** Most bytes of the programs of one topic: each new message of the topic runs all of them. */
export const MAX_TOPIC_PROGRAM_BYTES = 65_536
/** Most bytes of all programs. */
export const MAX_PROGRAM_BYTES = 1 << 20
/** Most bytes of a bit map that a queue entry's extension unit has room for. */
const MAX_BIT_MAP_BYTES = 32_747
/** The store is told once for all changes of this long. */
const COLLECT_MS = 50

/** A registered filter, as far as bit maps go. */
export interface BitMapFilter {
  readonly data: ConsumerFilterData
  /** Its bits, from the moment on when new bit maps have them. */
  bits: FilterBits | undefined
  /** Null: it cannot be evaluated by the engine. Undefined: not looked at yet. */
  program: Buffer | null | undefined
}

/** Where bit maps are made. */
export type BitMapStore = Pick<MessageStore, 'setFilters'>

/**
 * Has the store make bit maps of new messages with the filters that are registered. A filter has bits only for
 * messages that are appended after the store was told of it, in this process: older entries are never skipped.
 */
export class FilterBitMaps {
  readonly #bitNum: number
  readonly #filters: () => Iterable<BitMapFilter>
  readonly #clock: Clock
  readonly #logger: Logger
  #store: BitMapStore | undefined
  #timer: TimerHandle | undefined

  /** @param bitNum bits of a bit map, a multiple of 8 */
  constructor(bitNum: number, filters: () => Iterable<BitMapFilter>, base: { clock: Clock; logger: Logger }) {
    this.#bitNum = bitNum
    this.#filters = filters
    this.#clock = base.clock
    this.#logger = base.logger
  }

  /** Tells the store of all filters, and from now on of every change. */
  start(store: BitMapStore): void {
    if (this.#bitNum / 8 > MAX_BIT_MAP_BYTES) {
      this.#logger.warn({ bits: this.#bitNum }, 'filter bit maps are too large for extension files: none are made')
      return
    }
    this.#store = store
    this.#tell()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#store = undefined
  }

  /** The filters have changed. */
  changed(): void {
    if (this.#store !== undefined) this.#timer ??= this.#clock.after(COLLECT_MS, () => this.#tell())
  }

  #tell(): void {
    this.#timer = undefined
    if (this.#store === undefined) return
    const chosen = this.#choose()
    try {
      const filters = chosen.map(({ data, program }): StoreFilter => {
        return { topic: data.topic, bitPos: data.bloomFilterData!.bitPos, program: program! }
      })
      const knownFromOffset = this.#store.setFilters(this.#bitNum, filters)
      for (const filter of chosen) filter.bits ??= this.#bitsOf(filter, knownFromOffset)
    } catch (error) {
      // The store goes on with those that it was told of before: bits that were given stay right.
      this.#logger.warn({ reason: errorText(error) }, 'filter bit maps are not made with new filters')
    }
  }

  #bitsOf({ data }: BitMapFilter, knownFromOffset: number): FilterBits {
    const { bitNum, bitPos } = data.bloomFilterData!
    return new FilterBits({ bitNum, bitPos, knownFromOffset, bornTimeMs: data.bornTime })
  }

  /** Those that have bits keep them: together they had room before. */
  #choose(): BitMapFilter[] {
    const all = [...this.#filters()]
    const bytesOf = new Map<string, number>()
    let bytes = 0
    const fits = (filter: BitMapFilter): boolean => {
      const { topic } = filter.data
      const program = programOf(filter)
      if (program === null) return false
      const ofTopic = (bytesOf.get(topic) ?? 0) + program.length
      if (ofTopic > MAX_TOPIC_PROGRAM_BYTES || bytes + program.length > MAX_PROGRAM_BYTES) return false
      bytesOf.set(topic, ofTopic)
      bytes += program.length
      return true
    }
    const known = all.filter((filter) => filter.bits !== undefined && fits(filter))
    const others = all.filter((filter) => filter.bits === undefined && fits(filter))
    return [...known, ...others]
  }
}

const programOf = (filter: BitMapFilter): Buffer | null => {
  filter.program ??= filter.program === null ? null : (sqlProgram(filter.data.expression) ?? null)
  return filter.program
}
