import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Durability, DurabilityOutcome } from '../../lib/broker/durability.ts'
import { ReplicatedDurability } from '../../lib/broker/replicated-durability.ts'
import { StoreError } from '../../lib/store/store-error.ts'
import { ManualClock } from '../support/manual-clock.ts'

const setUp = (slaveTimeoutMs: number | undefined, available = true) => {
  const clock = new ManualClock()
  const seen = { appended: 0, requested: [] as number[] }
  const local: ((outcome: DurabilityOutcome) => void)[] = []
  const copies: (() => void)[] = []
  const flushed: Durability = {
    waits: false,
    hold: (_, settle) => void local.push(settle),
    requestSoon: (endOffset) => void seen.requested.push(endOffset),
  }
  const replicas = {
    appended: () => {
      seen.appended += 1
    },
    available: () => available,
    onReplicated: (_: number, callback: () => void) => void copies.push(callback),
  }
  const gate = new ReplicatedDurability(flushed, replicas, clock, slaveTimeoutMs)
  const outcomes: string[] = []
  gate.hold(100, ({ kind }) => outcomes.push(kind))
  return { clock, gate, seen, local, copies, outcomes }
}

const FAILED: DurabilityOutcome = { kind: 'failed', error: new StoreError('STORE_READ_ONLY', 'sync failed') }

test('an acknowledgement waits for the device and for a slave, whichever is later', () => {
  const first = setUp(3_000)
  equal(first.gate.waits, true)
  first.local[0]!({ kind: 'durable' })
  deepEqual(first.outcomes, [])
  first.copies[0]!()
  deepEqual(first.outcomes, ['durable'])
  const second = setUp(3_000)
  second.copies[0]!()
  deepEqual(second.outcomes, [])
  second.local[0]!({ kind: 'durable' })
  deepEqual(second.outcomes, ['durable'])
})

test('what no slave has in time is answered so, also when the device was late as well', () => {
  for (const kind of ['durable', 'timeout'] as const) {
    const { clock, local, copies, outcomes } = setUp(3_000)
    clock.advance(3_050)
    deepEqual(outcomes, [])
    local[0]!({ kind })
    copies[0]!()
    deepEqual(outcomes, ['replica-timeout'])
  }
})

test('what a slave has and the device has not in time is late on the device', () => {
  const { local, copies, outcomes } = setUp(3_000)
  copies[0]!()
  local[0]!({ kind: 'timeout' })
  deepEqual(outcomes, ['timeout'])
})

test('without a slave near enough only the device is waited for', () => {
  const { local, copies, outcomes } = setUp(3_000, false)
  deepEqual(copies, [])
  local[0]!({ kind: 'durable' })
  deepEqual(outcomes, ['no-replica'])
})

test('a failed sync is told at once, whatever the slaves have, and once', () => {
  for (const available of [true, false]) {
    const { clock, local, copies, outcomes } = setUp(3_000, available)
    local[0]!(FAILED)
    deepEqual(outcomes, ['failed'])
    copies[0]?.()
    clock.advance(4_000)
    deepEqual(outcomes, ['failed'])
  }
})

test('an ASYNC_MASTER waits for no slave, and lets them know of everything', () => {
  const { gate, seen, local, copies, outcomes } = setUp(undefined)
  equal(gate.waits, false)
  gate.requestSoon(200)
  deepEqual(seen, { appended: 2, requested: [200] })
  deepEqual(copies, [])
  local[0]!({ kind: 'durable' })
  deepEqual(outcomes, ['durable'])
})

test('a stop answers what waits for a slave', () => {
  const { gate, local, outcomes } = setUp(3_000)
  local[0]!({ kind: 'durable' })
  gate.stop()
  deepEqual(outcomes, ['replica-timeout'])
})
