import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { QueueLocks } from '../../../lib/broker/consumers/queue-locks.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const queue = (queueId: number) => ({ topic: 'T', brokerName: 'b', queueId })

test('a queue has one owner until it unlocks', () => {
  const locks = new QueueLocks(new ManualClock())
  deepEqual(locks.lock('G', [queue(0), queue(1)], 'a'), [queue(0), queue(1)])
  deepEqual(locks.lock('G', [queue(1), queue(2)], 'b'), [queue(2)])
  deepEqual(locks.lock('H', [queue(0)], 'b'), [queue(0)])
  locks.unlock('G', [queue(1)], 'b')
  deepEqual(locks.lock('G', [queue(1)], 'b'), [])
  locks.unlock('G', [queue(1)], 'a')
  deepEqual(locks.lock('G', [queue(1)], 'b'), [queue(1)])
})

test('a lock lives 60 s from its last renewal', () => {
  const clock = new ManualClock()
  const locks = new QueueLocks(clock)
  locks.lock('G', [queue(0)], 'a')
  clock.advance(50_000)
  locks.lock('G', [queue(0)], 'a')
  clock.advance(60_000)
  deepEqual(locks.lock('G', [queue(0)], 'b'), [])
  clock.advance(1)
  deepEqual(locks.lock('G', [queue(0)], 'b'), [queue(0)])
})

test('locks that nobody renews are forgotten', () => {
  const clock = new ManualClock()
  const locks = new QueueLocks(clock)
  locks.lock('G', [queue(0)], 'a')
  clock.advance(180_000)
  equal(locks.size, 0)
})
