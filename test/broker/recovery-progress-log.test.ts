import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { type LogFields, silentLogger } from '../../lib/base/logging.ts'
import { recoveryProgressLog } from '../../lib/broker/recovery-progress-log.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('a long recovery is logged each five seconds with what is left of its phase, a short one not at all', () => {
  const clock = new ManualClock()
  const lines: LogFields[] = []
  const log = recoveryProgressLog(clock, { ...silentLogger, info: (fields) => lines.push(fields) })
  log({ phase: 'check', doneBytes: 0, totalBytes: 1000 })
  clock.advance(4999)
  log({ phase: 'check', doneBytes: 900, totalBytes: 1000 })
  log({ phase: 'dispatch', doneBytes: 0, totalBytes: 800 })
  clock.advance(2000)
  log({ phase: 'dispatch', doneBytes: 200, totalBytes: 800 })
  clock.advance(1000)
  log({ phase: 'dispatch', doneBytes: 300, totalBytes: 800 })
  deepEqual(lines, [{ phase: 'dispatch', doneBytes: 200, totalBytes: 800, percent: 25, leftSeconds: 6 }])
})
