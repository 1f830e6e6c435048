import type { Clock } from '../base/clock.ts'
import { ApogeeError } from '../base/errors.ts'
import { bodyCrc } from '../protocol/crc32.ts'
import type { FilterFunction, Sandbox } from './sandbox.ts'

/** A filter class that is not taken. `CLASS_TOO_LONG`, `CLASS_CRC`, `CLASSES_FULL`. */
export class FilterClassError extends ApogeeError {}

/** Most filters at a time: each may have its share of memory. */
export const MAX_CLASSES = 64
/** Longest source. */
export const MAX_SOURCE_BYTES = 64 * 1024
/** A filter not used for this long may make room for another. Consumers send theirs again with every heartbeat. */
const UNUSED_MS = 60_000

/** What a consumer sends. */
export interface FilterClass {
  readonly consumerGroup: string
  readonly topic: string
  readonly classCrc: number
  readonly source: Buffer
}

interface Entry {
  readonly classCrc: number
  readonly filter: FilterFunction
  usedAtMs: number
}

/** The filters that consumers sent, one for each group and topic: the last that could be made. */
export class FilterClasses {
  readonly #sandbox: Sandbox
  readonly #clock: Clock
  readonly #classes = new Map<string, Entry>()

  constructor(sandbox: Sandbox, clock: Clock) {
    this.#sandbox = sandbox
    this.#clock = clock
  }

  get size(): number {
    return this.#classes.size
  }

  /**
   * Takes a filter, unless it is the one that is there. One that cannot be made leaves that in place.
   * @throws {FilterClassError}
   * @throws {SandboxError}
   */
  register({ consumerGroup, topic, classCrc, source }: FilterClass): void {
    const key = keyOf(consumerGroup, topic)
    const old = this.#classes.get(key)
    if (old?.classCrc === classCrc) return
    if (source.length > MAX_SOURCE_BYTES) {
      throw new FilterClassError('CLASS_TOO_LONG', `a filter has at most ${MAX_SOURCE_BYTES} bytes of source`)
    }
    if (bodyCrc(source) !== classCrc) throw new FilterClassError('CLASS_CRC', 'classCRC is not that of the source')
    if (old === undefined) this.#makeRoom()
    const filter = this.#sandbox.load(source.toString('utf8'))
    old?.filter.dispose()
    this.#classes.set(key, { classCrc, filter, usedAtMs: this.#clock.monotonicMs() })
  }

  find(consumerGroup: string, topic: string): FilterFunction | undefined {
    const entry = this.#classes.get(keyOf(consumerGroup, topic))
    if (entry !== undefined) entry.usedAtMs = this.#clock.monotonicMs()
    return entry?.filter
  }

  stop(): void {
    for (const { filter } of this.#classes.values()) filter.dispose()
    this.#classes.clear()
  }

  #makeRoom(): void {
    if (this.#classes.size < MAX_CLASSES) return
    const unusedSince = this.#clock.monotonicMs() - UNUSED_MS
    for (const [key, { filter, usedAtMs }] of this.#classes) {
      if (usedAtMs > unusedSince) continue
      filter.dispose()
      this.#classes.delete(key)
    }
    if (this.#classes.size >= MAX_CLASSES) {
      throw new FilterClassError('CLASSES_FULL', `the filter server has ${MAX_CLASSES} filters, all in use`)
    }
  }
}

/** Neither name can have the sign in it. */
const keyOf = (consumerGroup: string, topic: string): string => `${topic}@${consumerGroup}`
