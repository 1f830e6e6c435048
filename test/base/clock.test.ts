import { deepEqual } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { systemClock } from '../../lib/base/clock.ts'

const LONGEST_OF_NODE_MS = 2 ** 31 - 1

/** Node's own timers, whose time the test moves. */
const mocked = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  return (byMs: number) => t.mock.timers.tick(byMs)
}

test('a timer further ahead than timers of Node reach fires when it is due, not at once', (t) => {
  const tick = mocked(t)
  const fired: string[] = []
  systemClock.after(2 * LONGEST_OF_NODE_MS + 5, () => fired.push('late'))
  systemClock.after(LONGEST_OF_NODE_MS, () => fired.push('longest'))
  const cancelled = systemClock.after(LONGEST_OF_NODE_MS + 1, () => fired.push('cancelled'))
  tick(LONGEST_OF_NODE_MS)
  cancelled.cancel()
  tick(LONGEST_OF_NODE_MS)
  deepEqual(fired, ['longest'])
  tick(5)
  deepEqual(fired, ['longest', 'late'])
})

test('a period longer than timers of Node reach is kept', (t) => {
  const tick = mocked(t)
  let fired = 0
  const period = LONGEST_OF_NODE_MS + 10
  const timer = systemClock.every(period, () => (fired += 1), 7)
  const seen: number[] = []
  for (const byMs of [7, LONGEST_OF_NODE_MS, 10, LONGEST_OF_NODE_MS, 10]) {
    tick(byMs)
    seen.push(fired)
  }
  deepEqual(seen, [1, 1, 2, 2, 3])
  timer.cancel()
  tick(LONGEST_OF_NODE_MS)
  tick(LONGEST_OF_NODE_MS)
  deepEqual(fired, 3)
})

test('Node is given no time that it would take for 1 ms', async () => {
  const warnings: string[] = []
  const listen = ({ name }: Error) => void warnings.push(name)
  process.on('warning', listen)
  const timers = [
    systemClock.after(Number.MAX_SAFE_INTEGER, () => undefined),
    systemClock.every(Number.MAX_SAFE_INTEGER, () => undefined),
  ]
  await new Promise<void>((resolve) => timers.push(systemClock.every(Number.MAX_SAFE_INTEGER, resolve, 0)))
  await setImmediate()
  for (const timer of timers) timer.cancel()
  process.off('warning', listen)
  deepEqual(warnings.includes('TimeoutOverflowWarning'), false)
})
