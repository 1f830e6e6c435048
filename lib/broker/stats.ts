import type { Clock, TimerHandle } from '../base/clock.ts'

/** Java samples its counters once a second and keeps ten minutes. */
const SAMPLE_MS = 1000
const KEPT_SAMPLES = 601
/** The windows of the rates that the runtime info shows, in seconds. */
const WINDOWS_S = [10, 60, 600] as const

const DAY_MS = 86_400_000

/** Counters since the start of the broker. */
export interface StatsTotals {
  /** Messages stored, and their bytes in the log. */
  readonly putMessages: number
  readonly putBytes: number
  readonly putFailures: number
  /** Pulls that found messages, and pulls that found none. */
  readonly foundPulls: number
  readonly missedPulls: number
  /** Messages given to consumers. */
  readonly gotMessages: number
  readonly gotBytes: number
}

type Counter = keyof StatsTotals

interface Sample {
  readonly atMs: number
  readonly totals: StatsTotals
}

/** Counts since the last midnights, as `clusterList -m` shows them. */
export interface DayTotals {
  readonly yesterdayMorning: number
  readonly todayMorning: number
  readonly todayNow: number
}

const ZERO: StatsTotals = {
  putMessages: 0,
  putBytes: 0,
  putFailures: 0,
  foundPulls: 0,
  missedPulls: 0,
  gotMessages: 0,
  gotBytes: 0,
}

/** Milliseconds from `nowMs` to the next local midnight. */
const untilMidnight = (nowMs: number): number => {
  const midnight = new Date(nowMs)
  midnight.setHours(24, 0, 0, 0)
  return Math.min(DAY_MS + 3_600_000, Math.max(1, midnight.getTime() - nowMs))
}

/** Counts what the broker does. The counting calls are a few additions; rates come from samples taken each second. */
export class BrokerStats {
  readonly startedAtMs: number
  readonly #clock: Clock
  readonly #sampling: TimerHandle
  #midnight: TimerHandle
  #putMessages = 0
  #putBytes = 0
  #putFailures = 0
  #foundPulls = 0
  #missedPulls = 0
  #gotMessages = 0
  #gotBytes = 0
  readonly #samples: Sample[] = []
  #yesterday: StatsTotals = ZERO
  #today: StatsTotals = ZERO

  constructor(clock: Clock) {
    this.#clock = clock
    this.startedAtMs = clock.nowMs()
    this.#samples.push({ atMs: clock.monotonicMs(), totals: ZERO })
    this.#sampling = clock.every(SAMPLE_MS, () => this.#sample())
    this.#midnight = clock.after(untilMidnight(this.startedAtMs), () => this.#newDay())
  }

  /** Messages were stored. `sizeBytes` is what they take in the log. */
  messagesPut(count: number, sizeBytes: number): void {
    this.#putMessages += count
    this.#putBytes += sizeBytes
  }

  /** Messages were refused by the store. */
  putsFailed(count: number): void {
    this.#putFailures += count
  }

  /** A pull gave messages to a consumer, or none (count 0). */
  messagesGot(count: number, sizeBytes: number): void {
    if (count === 0) {
      this.#missedPulls += 1
      return
    }
    this.#foundPulls += 1
    this.#gotMessages += count
    this.#gotBytes += sizeBytes
  }

  get totals(): StatsTotals {
    return {
      putMessages: this.#putMessages,
      putBytes: this.#putBytes,
      putFailures: this.#putFailures,
      foundPulls: this.#foundPulls,
      missedPulls: this.#missedPulls,
      gotMessages: this.#gotMessages,
      gotBytes: this.#gotBytes,
    }
  }

  /** A counter by day. */
  byDay(counter: Counter): DayTotals {
    return {
      yesterdayMorning: this.#yesterday[counter],
      todayMorning: this.#today[counter],
      todayNow: this.totals[counter],
    }
  }

  /** Rates per second of the sum of some counters over the last 10, 60 and 600 s, or since the start. */
  rates(...counters: Counter[]): number[] {
    const sum = (sample: Sample): number => counters.reduce((total, counter) => total + sample.totals[counter], 0)
    const last = this.#samples.at(-1)!
    return WINDOWS_S.map((seconds) => {
      const first = this.#samples.at(-1 - seconds) ?? this.#samples[0]!
      return last.atMs > first.atMs ? ((sum(last) - sum(first)) * 1000) / (last.atMs - first.atMs) : 0
    })
  }

  stop(): void {
    this.#sampling.cancel()
    this.#midnight.cancel()
  }

  #sample(): void {
    this.#samples.push({ atMs: this.#clock.monotonicMs(), totals: this.totals })
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift()
  }

  #newDay(): void {
    this.#yesterday = this.#today
    this.#today = this.totals
    this.#midnight = this.#clock.after(untilMidnight(this.#clock.nowMs()), () => this.#newDay())
  }
}
