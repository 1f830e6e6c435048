import { DIGIT_0, DIGIT_9 } from '../../protocol/json-bytes.ts'
import { PropertyName } from '../../protocol/properties.ts'
import type { PropertyRewriter } from '../../protocol/property-rewriter.ts'
import type { Detour, HotDetour, HotMessage, HotTarget } from '../messages/detour.ts'
import type { SendRequest } from './send-service.ts'

const NO_BYTES = Buffer.alloc(0)
const MAX_EXACT_DIGITS = 15

/**
 * Takes single messages on the detour that can be gone on bytes. One instance for the sends of one thread, with the
 * rewriter of their properties.
 */
export class HotDetourPath implements HotMessage {
  topic: HotMessage['topic'] = { name: '', bytes: NO_BYTES }
  queueId = 0
  sysFlag = 0
  readonly #hot: HotDetour
  readonly #rewriter: PropertyRewriter
  readonly #firstPut: number
  /** Places among the watched properties. */
  readonly #own: ReadonlyMap<string, number>
  readonly #obstacles: readonly number[]
  readonly #uniqKey: number
  #source: Buffer = NO_BYTES

  private constructor(detour: Detour, hot: HotDetour, rewriter: PropertyRewriter, firstPut: number, watch: string[]) {
    this.#hot = hot
    this.#rewriter = rewriter
    this.#firstPut = firstPut
    this.#own = new Map(detour.properties.map((name) => [name, watch.indexOf(name)]))
    const harmless: readonly string[] = [PropertyName.WAIT, PropertyName.UNIQ_KEY, ...detour.properties]
    this.#obstacles = watch.flatMap((name, place) => (harmless.includes(name) ? [] : [place]))
    this.#uniqKey = watch.indexOf(PropertyName.UNIQ_KEY)
  }

  /** The first detour that has a way on bytes. */
  static #detourOf(detours: readonly Detour[]): Detour | undefined {
    return detours.find(({ hot }) => hot !== undefined)
  }

  /** What the rewriter has to know besides: properties to watch, and to put when a message is taken. */
  static needs(detours: readonly Detour[]): { readonly watch: readonly string[]; readonly put: readonly string[] } {
    const hot = HotDetourPath.#detourOf(detours)?.hot
    return hot === undefined ? { watch: [], put: [] } : { watch: [...hot.unless, PropertyName.UNIQ_KEY], put: hot.put }
  }

  /**
   * Undefined when no detour has a way on bytes.
   * @param firstPut place of the detour's first property among those that the rewriter puts
   * @param watch properties that the rewriter watches
   */
  static of(
    detours: readonly Detour[],
    rewriter: PropertyRewriter,
    firstPut: number,
    watch: string[],
  ): HotDetourPath | undefined {
    const detour = HotDetourPath.#detourOf(detours)
    return detour?.hot && new HotDetourPath(detour, detour.hot, rewriter, firstPut, watch)
  }

  /** Where a message is stored whose properties the rewriter has read; undefined when it has to go the other way. */
  take(request: SendRequest, queueId: number): HotTarget | undefined {
    for (const place of this.#obstacles) if (this.#rewriter.watchedStart(place) >= 0) return undefined
    this.#source = request.properties
    this.topic = request.topic
    this.queueId = queueId
    this.sysFlag = request.sysFlag
    const target = this.#hot.take(this)
    if (target !== undefined) this.#put(target.values)
    return target
  }

  /** What is put was written. */
  done(): void {
    for (let index = 0; index < this.#hot.put.length; index++) this.#rewriter.setPut(this.#firstPut + index, NO_BYTES)
  }

  integer(name: string): number | undefined {
    const place = this.#own.get(name)!
    const start = this.#rewriter.watchedStart(place)
    if (start < 0) return undefined
    return decimal(this.#source, start, this.#rewriter.watchedEnd(place))
  }

  /** Part of the answer. */
  recallHandle(target: HotTarget): string | undefined {
    const start = this.#rewriter.watchedStart(this.#uniqKey)
    return start < 0 ? undefined : target.recallHandle(this.#source, start, this.#rewriter.watchedEnd(this.#uniqKey))
  }

  #put(values: readonly Buffer[]): void {
    for (let index = 0; index < values.length; index++) this.#rewriter.setPut(this.#firstPut + index, values[index]!)
  }
}

/** Value of digits; NaN when there is anything else, or more than is exact. */
const decimal = (source: Buffer, start: number, end: number): number => {
  if (start === end || end - start > MAX_EXACT_DIGITS) return Number.NaN
  let value = 0
  for (let at = start; at < end; at++) {
    const byte = source[at]!
    if (byte < DIGIT_0 || byte > DIGIT_9) return Number.NaN
    value = value * 10 + byte - DIGIT_0
  }
  return value
}
