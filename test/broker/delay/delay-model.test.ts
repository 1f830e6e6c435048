import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageWriter } from '../../../lib/broker/messages/message-writer.ts'
import { AppendStatus } from '../../../lib/store/index.ts'
import { DelayBench } from '../support/delay-bench.ts'

const LEVELS = '1s 5s 10s'
const LEVELS_MS = [1000, 5000, 10_000]
const LONGEST_MS = 10_000

/** What happens to a store with delayed messages. */
type Step =
  | { readonly kind: 'send'; readonly level: number }
  | { readonly kind: 'advance' | 'jump'; readonly byMs: number }
  | { readonly kind: 'turn'; readonly level: number }
  | { readonly kind: 'refuse'; readonly count: number }
  | { readonly kind: 'save' | 'crash' }

const level = fc.integer({ min: 1, max: LEVELS_MS.length })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), level }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), byMs: fc.integer({ min: 0, max: 6000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('jump' as const),
      byMs: fc.oneof(fc.integer({ min: -3000, max: 3000 }), fc.constantFrom(-86_400_000, 86_400_000)),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('turn' as const), level }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('refuse' as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('save' as const, 'crash' as const) }) },
)

interface Sent {
  readonly body: string
  readonly level: number
  readonly sentMs: number
  /** How far the clock had been set forward, all together. */
  readonly forwardMs: number
}

const firstOfEach = (bodies: readonly string[]): string[] => [...new Set(bodies)]

/** Runs the steps and gives what was sent, and what was delivered in its order; fails when a message is early. */
const run = async (bench: DelayBench, steps: readonly Step[], refusals: { left: number }) => {
  const { clock } = bench
  const sent: Sent[] = []
  let forwardMs = 0
  const checkNothingEarly = async () => {
    const delivered = new Set(await bench.delivered())
    for (const message of sent) {
      const passedMs = clock.elapsedMs - message.sentMs + forwardMs - message.forwardMs
      const isDue = passedMs >= LEVELS_MS[message.level - 1]!
      ok(isDue || !delivered.has(message.body), `${message.body} of level ${message.level} after ${passedMs} ms`)
    }
  }
  for (const step of steps) {
    if (step.kind === 'send') {
      const body = `m${sent.length}`
      await bench.send(body, step.level)
      sent.push({ body, level: step.level, sentMs: clock.elapsedMs, forwardMs })
    } else if (step.kind === 'advance') clock.advance(step.byMs)
    else if (step.kind === 'jump') {
      clock.wallMs += step.byMs
      forwardMs += Math.max(0, step.byMs)
    } else if (step.kind === 'turn') {
      await bench.queues[step.level - 1]!.turn()
      await checkNothingEarly()
    } else if (step.kind === 'refuse') refusals.left = step.count
    else if (step.kind === 'save') await bench.offsets.flush()
    else await bench.crash()
  }
  refusals.left = 0
  return sent
}

test('whatever happens, nothing is early, nothing is lost, order is kept, and only crashes deliver twice', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const refusals = { left: 0 }
      const wrapWriter = (writer: MessageWriter): Pick<MessageWriter, 'write'> => ({
        write(message) {
          if (refusals.left === 0) return writer.write(message)
          refusals.left -= 1
          const none = { physicalOffset: -1, queueOffset: -1, storeTimestampMs: -1, endOffset: -1 }
          return { status: AppendStatus.BUSY, ...none }
        },
      })
      const bench = await DelayBench.start(t, { levels: LEVELS, wrapWriter })
      try {
        const sent = await run(bench, steps, refusals)
        // One delay more after the last change of the clock is enough for all.
        for (let round = 0; round < 2; round++) {
          await bench.drainAll()
          bench.clock.advance(LONGEST_MS)
        }
        await bench.drainAll()
        const delivered = await bench.delivered()
        for (let level = 1; level <= LEVELS_MS.length; level++) {
          const expected = sent.filter((message) => message.level === level).map(({ body }) => body)
          deepEqual(
            firstOfEach(delivered).filter((body) => expected.includes(body)),
            expected,
          )
        }
        const crashed = steps.some(({ kind }) => kind === 'crash')
        if (!crashed) deepEqual(firstOfEach(delivered), delivered)
      } finally {
        await bench.store.close()
      }
    }),
    { numRuns: 60 },
  )
})
