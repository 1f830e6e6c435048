import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../lib/base/logging.ts'
import { ThrottledLog } from '../../lib/base/throttled-log.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('of warnings that come in a flood ten a second are written, the others are counted', () => {
  const clock = new ManualClock()
  const lines: unknown[] = []
  const log = new ThrottledLog(clock, {
    ...silentLogger,
    warn: (fields, message) => void lines.push([fields, message]),
  })
  for (let count = 0; count < 1_000; count++) log.warn({ count }, 'again')
  deepEqual([lines.length, lines.at(-1)], [10, [{ count: 9 }, 'again']])
  clock.advance(1_000)
  log.warn({ count: 1_000 }, 'again')
  log.warn({ count: 1_001 }, 'again')
  deepEqual(lines.slice(10), [
    [{ count: 1_000, suppressedBefore: 990 }, 'again'],
    [{ count: 1_001 }, 'again'],
  ])
  equal(log.count, 1_002)
})
