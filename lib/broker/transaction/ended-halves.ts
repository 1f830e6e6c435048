/** How a half ended, as far as is known. */
export const Ending = {
  /** It did not. */
  OPEN: 0,
  COMMITTED: 1,
  ROLLED_BACK: 2,
  /** An op message from before the broker's start says so. */
  ONE_OR_THE_OTHER: 3,
} as const
export type Ending = (typeof Ending)[keyof typeof Ending]

const CHUNK = 8192
/** Halves behind all that are still to be looked at whose end is remembered: 1 MiB for requests that come twice. */
export const HALVES_REMEMBERED = 128 * CHUNK

/** Which halves have ended, by their offset in the half queue: one byte each, dropped from the front. */
export class EndedHalves {
  readonly #chunks = new Map<number, Uint8Array>()
  #firstChunk = 0

  /** Halves below what is remembered are open, as far as is known. */
  of(halfOffset: number): Ending {
    const chunk = this.#chunks.get(Math.floor(halfOffset / CHUNK))
    return chunk === undefined ? Ending.OPEN : (chunk[halfOffset % CHUNK] as Ending)
  }

  set(halfOffset: number, ending: Ending): void {
    const index = Math.floor(halfOffset / CHUNK)
    if (index < this.#firstChunk) return
    let chunk = this.#chunks.get(index)
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK)
      this.#chunks.set(index, chunk)
    }
    chunk[halfOffset % CHUNK] = ending
  }

  /** First offset from `from` on, and below `end`, whose half is open (or, with false, ended); else `end`. */
  next(from: number, end: number, open: boolean): number {
    let at = from
    while (at < end && (this.of(at) === Ending.OPEN) !== open) at += 1
    return at
  }

  /** Everything below was looked at. */
  passed(halfOffset: number): void {
    const first = Math.floor((halfOffset - HALVES_REMEMBERED) / CHUNK)
    if (first <= this.#firstChunk) return
    this.#firstChunk = first
    for (const index of this.#chunks.keys()) if (index < first) this.#chunks.delete(index)
  }

  /** Bytes held. */
  get sizeBytes(): number {
    return this.#chunks.size * CHUNK
  }
}
