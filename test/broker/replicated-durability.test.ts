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
  const listeners: (() => void)[] = []
  const flushed: Durability = {
    waits: false,
    hold: (_, settle) => void local.push(settle),
    requestSoon: (endOffset) => void seen.requested.push(endOffset),
  }
  const replicas = {
    replicated: 0,
    appended: () => {
      seen.appended += 1
    },
    available: () => available,
    onReplicated: (listener: () => void) => void listeners.push(listener),
  }
  const replicate = (endOffset: number): void => {
    replicas.replicated = endOffset
    for (const listener of listeners) listener()
  }
  const gate = new ReplicatedDurability(flushed, replicas, clock, slaveTimeoutMs)
  const outcomes: string[] = []
  const hold = (endOffset: number) => gate.hold(endOffset, ({ kind }) => outcomes.push(kind))
  hold(100)
  return { clock, gate, seen, local, replicate, outcomes, hold }
}

const FAILED: DurabilityOutcome = { kind: 'failed', error: new StoreError('STORE_READ_ONLY', 'sync failed') }

test('an acknowledgement waits for the device and for a slave, whichever is later', () => {
  const first = setUp(3_000)
  equal(first.gate.waits, true)
  first.local[0]!({ kind: 'durable' })
  deepEqual(first.outcomes, [])
  first.replicate(100)
  deepEqual(first.outcomes, ['durable'])
  const second = setUp(3_000)
  second.replicate(100)
  deepEqual(second.outcomes, [])
  second.local[0]!({ kind: 'durable' })
  deepEqual(second.outcomes, ['durable'])
})

test('what no slave has in time is answered so, also when the device was late as well', () => {
  for (const kind of ['durable', 'timeout'] as const) {
    const { clock, local, replicate, outcomes } = setUp(3_000)
    clock.advance(3_050)
    deepEqual(outcomes, [])
    local[0]!({ kind })
    replicate(100)
    deepEqual(outcomes, ['replica-timeout'])
  }
})

test('what a slave has and the device has not in time is late on the device', () => {
  const { local, replicate, outcomes } = setUp(3_000)
  replicate(100)
  local[0]!({ kind: 'timeout' })
  deepEqual(outcomes, ['timeout'])
})

test('without a slave near enough only the device is waited for', () => {
  const { local, outcomes } = setUp(3_000, false)
  local[0]!({ kind: 'durable' })
  deepEqual(outcomes, ['no-replica'])
})

test('a failed sync is told at once, whatever the slaves have, and once', () => {
  for (const available of [true, false]) {
    const { clock, local, replicate, outcomes } = setUp(3_000, available)
    local[0]!(FAILED)
    deepEqual(outcomes, ['failed'])
    replicate(100)
    clock.advance(4_000)
    deepEqual(outcomes, ['failed'])
  }
})

test('an ASYNC_MASTER waits for no slave, and lets them know of everything', () => {
  const { gate, seen, local, outcomes } = setUp(undefined)
  equal(gate.waits, false)
  gate.requestSoon(200)
  deepEqual(seen, { appended: 2, requested: [200] })
  local[0]!({ kind: 'durable' })
  deepEqual(outcomes, ['durable'])
})

test('what a slave has already needs no slave', () => {
  const { local, replicate, outcomes, hold } = setUp(3_000, false)
  replicate(100)
  hold(90)
  local[1]!({ kind: 'durable' })
  deepEqual(outcomes, ['durable'])
})

test('a stop gives up on slaves, also for what is held later', () => {
  const { gate, local, outcomes, hold } = setUp(3_000)
  local[0]!({ kind: 'durable' })
  gate.stop()
  hold(200)
  local[1]!({ kind: 'durable' })
  deepEqual(outcomes, ['replica-timeout', 'no-replica'])
})
