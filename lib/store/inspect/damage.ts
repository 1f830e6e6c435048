/** A range of the log, as physical offsets. */
export interface LogRange {
  readonly from: number
  readonly to: number
}

/** Bytes of the log that hold no good record, with good ones behind them. */
export interface DamagedRange extends LogRange {
  readonly reason: string
}

/** Whether ranges, which ascend, hold all of another one. */
export const covers = (ranges: readonly LogRange[], { from, to }: LogRange): boolean => {
  let at = from
  for (const range of ranges) {
    if (range.from > at) break
    at = Math.max(at, range.to)
    if (at >= to) return true
  }
  return at >= to
}

/** Damage met on a walk through the log: added in the log's order, found by physical offset. */
export class DamageMap {
  readonly #ranges: { readonly range: LogRange; readonly isListed: boolean }[] = []

  /** `isListed`: quarantine.json has it. */
  add(range: LogRange, isListed: boolean): void {
    this.#ranges.push({ range, isListed })
  }

  /** What became of the bytes at a physical offset; undefined when they are not damaged. */
  at(physicalOffset: number): 'quarantined' | 'damaged' | undefined {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ranges[middle]!.range.from <= physicalOffset) low = middle + 1
      else high = middle
    }
    const found = this.#ranges[low - 1]
    if (found === undefined || physicalOffset >= found.range.to) return undefined
    return found.isListed ? 'quarantined' : 'damaged'
  }
}
