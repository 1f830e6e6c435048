import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { DurabilityGate } from '../../lib/broker/durability.ts'
import { ManualClock } from '../support/manual-clock.ts'

const waitingStore = () => {
  const requested: number[] = []
  return {
    requested,
    flushMode: 'sync' as const,
    onFlushed: () => undefined,
    requestFlush: (endOffset: number) => void requested.push(endOffset),
  }
}

test('the one sync asked for in a turn covers all ends of that turn, in whatever order they come', async () => {
  const store = waitingStore()
  const gate = new DurabilityGate(store, new ManualClock(), 5000)
  gate.hold(200, () => undefined)
  gate.hold(100, () => undefined)
  gate.requestSoon(50)
  await setImmediate()
  gate.requestSoon(300)
  await setImmediate()
  deepEqual(store.requested, [200, 300])
  gate.stop()
})

test('an acknowledgement held back longer than the timeout is given with the truth, once', () => {
  const clock = new ManualClock()
  const gate = new DurabilityGate(waitingStore(), clock, 5000)
  const outcomes: string[] = []
  gate.hold(100, ({ kind }) => outcomes.push(kind))
  clock.advance(4_000)
  gate.hold(50, ({ kind }) => outcomes.push(kind))
  clock.advance(1_050)
  deepEqual(outcomes, ['timeout'])
  clock.advance(5_000)
  deepEqual(outcomes, ['timeout', 'timeout'])
  gate.stop()
})
