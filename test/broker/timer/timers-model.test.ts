import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { AppendStatus } from '../../../lib/store/index.ts'
import { cutLog, DAY_MS, TimerWorld, WallClock } from './support/timer-world.ts'

type Step =
  | { readonly do: 'schedule'; readonly afterMs: number }
  | { readonly do: 'recall'; readonly which: number }
  | { readonly do: 'advance' | 'jump'; readonly byMs: number }
  | { readonly do: 'restart' }
  | { readonly do: 'crash'; readonly which: number; readonly isBefore: boolean }

const afterMs = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 40 * DAY_MS }))

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('schedule' as const), afterMs }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('recall' as const), which: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('advance' as const), byMs: fc.integer({ min: 1, max: 6000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('jump' as const), byMs: fc.integer({ min: -DAY_MS, max: 20 * DAY_MS }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('crash' as const), which: fc.nat(20), isBefore: fc.boolean() }),
  },
)

/** A message in the log that the test wrote: where it stands, and what it means. */
interface Entry {
  readonly body: string
  readonly dueMs: number
  readonly isRecall: boolean
  /** Of a recall: its message had been delivered already. */
  readonly isTooLate: boolean
  readonly startOffset: number
  readonly endOffset: number
}

/** Timers beside what they have to do. */
class Run {
  readonly #directory: string
  readonly #clock = new WallClock()
  #world!: TimerWorld
  /** What the log has, in its order. */
  #log: Entry[] = []
  #names = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  async open(): Promise<void> {
    this.#world = await TimerWorld.open(this.#directory, { clock: this.#clock })
    await this.#world.settled()
  }

  close(): Promise<void> {
    return this.#world.close()
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'schedule') this.#schedule(step.afterMs)
    else if (step.do === 'recall') await this.#recall(step.which)
    else if (step.do === 'advance') await this.#world.advance(step.byMs)
    else if (step.do === 'jump') await this.#world.jump(step.byMs)
    else await this.#reopen(step.do === 'crash' ? step : undefined)
    await this.#world.settled()
    await this.#check()
  }

  /** Long after everything's time. */
  async end(): Promise<void> {
    await this.#world.jump(100 * DAY_MS)
    await this.#check()
    equal(this.#world.timers.pending.size, 0)
  }

  #schedule(afterMs: number): void {
    const body = `m${this.#names++}`
    const dueMs = this.#clock.nowMs() + afterMs
    const { status, physicalOffset: startOffset, endOffset } = this.#world.schedule('T', body, dueMs)
    equal(status, AppendStatus.OK)
    this.#log.push({ body, dueMs, isRecall: false, isTooLate: false, startOffset, endOffset })
  }

  async #recall(which: number): Promise<void> {
    const waiting = this.#log.filter(({ isRecall, dueMs }) => !isRecall && dueMs > this.#clock.nowMs())
    const entry = waiting[which % Math.max(1, waiting.length)]
    if (entry === undefined) return
    const isTooLate = (await this.#world.bodies('T')).includes(entry.body)
    const { physicalOffset: startOffset, endOffset } = this.#world.recall('T', entry.body, entry.dueMs)
    this.#log.push({ ...entry, isRecall: true, isTooLate, startOffset, endOffset })
  }

  /** After a crash the log ends before or behind one of the test's own messages. */
  async #reopen(crash: { readonly which: number; readonly isBefore: boolean } | undefined): Promise<void> {
    await this.#world.close()
    const last = crash && this.#log[crash.which % Math.max(1, this.#log.length)]
    if (crash !== undefined && last !== undefined) {
      const cutAt = crash.isBefore ? last.startOffset : last.endOffset
      await cutLog(this.#directory, cutAt)
      this.#log = this.#log.filter(({ endOffset }) => endOffset <= cutAt)
    }
    await this.open()
  }

  async #check(): Promise<void> {
    const recalled = new Set(this.#log.filter(({ isRecall, isTooLate }) => isRecall && !isTooLate).map((e) => e.body))
    const expected = this.#log.filter(({ isRecall, body }) => !isRecall && !recalled.has(body))
    const delivered = await this.#world.delivered('T')
    const bodies = delivered.map(({ body }) => body.toString())
    equal(new Set(bodies).size, bodies.length, 'nothing is delivered twice')
    for (const { body, dueMs } of expected) {
      if (dueMs <= this.#clock.nowMs()) ok(bodies.includes(body), `${body} is delivered`)
    }
    const known = new Map(expected.map((entry) => [entry.body, entry.dueMs]))
    deepEqual(
      bodies.filter((body) => !known.has(body)),
      [],
      'nothing recalled or cut off is delivered',
    )
    for (const { body, properties } of delivered) {
      ok(Number(properties.get('TIMER_DEQUEUE_MS')) >= known.get(body.toString())!, 'nothing is delivered early')
    }
  }
}

test('schedules, recalls, crashes and clock jumps: each message once, none early, none recalled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      const directory = await mkdtemp(join(tmpdir(), 'apogee-timers-'))
      const run = new Run(directory)
      try {
        await run.open()
        for (const one of steps) await run.take(one)
        await run.end()
      } finally {
        await run.close()
        await rm(directory, { recursive: true, force: true })
      }
    }),
    { numRuns: 20, interruptAfterTimeLimit: 30_000 },
  )
})
