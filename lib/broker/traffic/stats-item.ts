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

/** The last samples of one counter, the oldest overwritten. A plain array: thousands are begun in one turn. */
class Samples {
  readonly #cells: number[] = []
  readonly #kept: number
  #next = 0

  constructor(kept: number) {
    this.#kept = kept
  }

  get count(): number {
    return this.#cells.length / SAMPLE_NUMBERS
  }

  add(atMs: number, sum: number, additions: number): void {
    const cells = this.#cells
    const at = this.#next * SAMPLE_NUMBERS
    if (at === cells.length) cells.push(atMs, sum, additions)
    else {
      cells[at] = atMs
      cells[at + 1] = sum
      cells[at + 2] = additions
    }
    this.#next = (this.#next + 1) % this.#kept
  }

  window(): StatsWindow {
    const cells = this.#cells
    const { count } = this
    if (count === 0) return EMPTY_WINDOW
    const first = count < this.#kept ? 0 : this.#next * SAMPLE_NUMBERS
    const last = ((this.#next + this.#kept - 1) % this.#kept) * SAMPLE_NUMBERS
    const of = (column: number): number => cells[last + column]! - cells[first + column]!
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
  readonly #samples: Readonly<Record<StatsWindowName, Samples>> = {
    minute: new Samples(StatsWindows.minute.kept),
    hour: new Samples(StatsWindows.hour.kept),
    day: new Samples(StatsWindows.day.kept),
  }

  /** @param additions how often something was added, for the mean */
  add(value: number, additions = 1): void {
    this.#sum += value
    this.#additions += additions
  }

  /** Remembers where the counter stands. The first sample of a window counts from 0 one period before. */
  sample(name: StatsWindowName, nowMs: number): void {
    const samples = this.#samples[name]
    if (samples.count === 0) samples.add(nowMs - StatsWindows[name].every, 0, 0)
    samples.add(nowMs, this.#sum, this.#additions)
  }

  window(name: StatsWindowName): StatsWindow {
    return this.#samples[name].window()
  }
}
