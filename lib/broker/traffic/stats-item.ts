/** A counter over one of its windows, in the names of Java's StatsSnapshot. */
export interface StatsWindow {
  /** What was added. */
  readonly sum: number
  /** That per second. */
  readonly tps: number
  /** That per addition: a mean size, or a mean time. */
  readonly avgpt: number
}

const EMPTY_WINDOW: StatsWindow = { sum: 0, tps: 0, avgpt: 0 }

/** Windows of a counter, with Java's samples: `every` ms, and `kept` of them from the window's start to its end. */
export const StatsWindows = {
  minute: { every: 10_000, kept: 7 },
  hour: { every: 600_000, kept: 7 },
  day: { every: 3_600_000, kept: 25 },
} as const

export type StatsWindowName = keyof typeof StatsWindows

/** Numbers of one sample: when, the sum then, the additions then. */
const SAMPLE_NUMBERS = 3

/** The last samples of one counter, the oldest overwritten. */
class Samples {
  readonly #cells: Float64Array
  readonly #kept: number
  #count = 0
  #next = 0

  constructor(kept: number) {
    this.#kept = kept
    this.#cells = new Float64Array(kept * SAMPLE_NUMBERS)
  }

  get count(): number {
    return this.#count
  }

  add(atMs: number, sum: number, additions: number): void {
    const at = this.#next * SAMPLE_NUMBERS
    this.#cells[at] = atMs
    this.#cells[at + 1] = sum
    this.#cells[at + 2] = additions
    this.#next = (this.#next + 1) % this.#kept
    this.#count = Math.min(this.#count + 1, this.#kept)
  }

  window(): StatsWindow {
    if (this.#count === 0) return EMPTY_WINDOW
    const first = ((this.#next + this.#kept - this.#count) % this.#kept) * SAMPLE_NUMBERS
    const last = ((this.#next + this.#kept - 1) % this.#kept) * SAMPLE_NUMBERS
    const of = (column: number): number => this.#cells[last + column]! - this.#cells[first + column]!
    const [elapsedMs, sum, additions] = [of(0), of(1), of(2)]
    return {
      sum,
      tps: elapsedMs > 0 ? (sum * 1000) / elapsedMs : 0,
      avgpt: additions > 0 ? sum / additions : 0,
    }
  }
}

/** One counter with what it was over the last minute, hour and day. Counting is two additions. */
export class StatsItem {
  #sum = 0
  #additions = 0
  readonly #samples: Partial<Record<StatsWindowName, Samples>> = {}

  /** @param additions how often something was added, for the mean */
  add(value: number, additions = 1): void {
    this.#sum += value
    this.#additions += additions
  }

  /** Remembers where the counter stands. The first sample of a window counts from 0 one period before. */
  sample(name: StatsWindowName, nowMs: number): void {
    const { every, kept } = StatsWindows[name]
    this.#samples[name] ??= new Samples(kept)
    const samples = this.#samples[name]
    if (samples.count === 0) samples.add(nowMs - every, 0, 0)
    samples.add(nowMs, this.#sum, this.#additions)
  }

  window(name: StatsWindowName): StatsWindow {
    return this.#samples[name]?.window() ?? EMPTY_WINDOW
  }
}
