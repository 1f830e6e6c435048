/**
 * Looks for one run of numbers in others, in a time that grows with their length and never with the product of both:
 * filters and the texts they look through come from clients.
 */
export class UnitSearch {
  readonly #wanted: ArrayLike<number>
  /** Of each beginning of `wanted`: how much of its end is a beginning as well. */
  readonly #fallback: Int32Array

  /** @param wanted not empty */
  constructor(wanted: ArrayLike<number>) {
    this.#wanted = wanted
    this.#fallback = new Int32Array(wanted.length)
    for (let at = 1, same = 0; at < wanted.length; at++) {
      while (same > 0 && wanted[same] !== wanted[at]) same = this.#fallback[same - 1]!
      if (wanted[same] === wanted[at]) same += 1
      this.#fallback[at] = same
    }
  }

  /** Whether `wanted` stands somewhere in [start, end) of `units`. */
  isIn(units: ArrayLike<number>, start: number, end: number): boolean {
    const wanted = this.#wanted
    for (let at = start, same = 0; at < end; at++) {
      while (same > 0 && wanted[same] !== units[at]) same = this.#fallback[same - 1]!
      if (wanted[same] === units[at]) same += 1
      if (same === wanted.length) return true
    }
    return false
  }
}

/** The UTF-16 units of a text. */
export const unitsOf = (text: string): Uint16Array => {
  const units = new Uint16Array(text.length)
  for (let at = 0; at < text.length; at++) units[at] = text.charCodeAt(at)
  return units
}
