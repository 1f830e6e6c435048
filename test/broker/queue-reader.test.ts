import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { StoreQueues } from '../../lib/broker/queue-reader.ts'
import { appendBodies, openTestStore, whenDispatched } from '../store/support/store-fixture.ts'

test('queues of names that no store can have are empty, whatever the topic table says', async (t) => {
  const store = await openTestStore(t)
  const queues = new StoreQueues(
    store,
    () => true,
    () => 0,
  )
  for (const name of [`%RETRY%${'g'.repeat(127)}`, '../x', '']) {
    deepEqual(queues.range(name, 0), { min: 0, max: 0 })
    equal(await queues.offsetByTime(name, 0, 1), 0)
    deepEqual(await queues.storeTimes(name, [{ queueId: 0, queueOffset: 0 }]), [-1])
  }
})

test('times are those of the messages, -1 where there is none', async (t) => {
  const store = await openTestStore(t)
  const queues = new StoreQueues(
    store,
    (name) => name === 'Known',
    () => 0,
  )
  const batch = appendBodies(store, store.topic('Known'), ['a', 'b'], { queueId: 1 })
  await whenDispatched(store)
  const [first, last] = [batch.storeTimestampMs(0), batch.storeTimestampMs(1)]
  const places = [
    ...[0, 1, 2, -1, 0.5, Number.NaN].map((queueOffset) => ({ queueId: 1, queueOffset })),
    ...[0, 2, -1, 1e9].map((queueId) => ({ queueId, queueOffset: 0 })),
  ]
  deepEqual(await queues.storeTimes('Known', places), [first, last, ...new Array<number>(8).fill(-1)])
  deepEqual(await queues.storeTimes('Known', places.slice(2, 6)), [-1, -1, -1, -1])
  deepEqual(await queues.storeTimes('Known', []), [])
  deepEqual(await queues.storeTimes('Unknown', places.slice(0, 1)), [-1])
  equal(await queues.offsetByTime('Known', 1, first), 0)
  equal(await queues.offsetByTime('Known', 1, 2 ** 63), 1, 'behind the last message: that')
  equal(await queues.offsetByTime('Known', 1, -1), 0)
  equal(await queues.offsetByTime('Known', 7, first), 0)
})

test('times that may be on disk only are read by the store before they are asked for', async (t) => {
  const store = await openTestStore(t)
  const calls: string[] = []
  const told = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (/Time/.test(String(name))) calls.push(String(name))
          return Reflect.apply(value, target, args)
        }
      },
    })
  const queues = new StoreQueues(
    told(store),
    () => true,
    () => 0,
  )
  appendBodies(store, store.topic('T'), ['a', 'b'])
  await whenDispatched(store)
  await queues.offsetByTime('T', 0, 1)
  await queues.storeTimes(
    'T',
    [0, 1].map((queueOffset) => ({ queueId: 0, queueOffset })),
  )
  deepEqual(calls, ['offsetByTimeAhead', 'offsetByTime', 'storeTimesAhead', 'storeTimeAt', 'storeTimeAt'])
})
