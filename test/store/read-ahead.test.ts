import { deepEqual, equal, rejects } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PullResult, PullStatus } from '../../lib/store/index.ts'
import { appendBodies, openTestStore, whenDispatched } from './support/store-fixture.ts'

const BODIES = ['one', 'two', 'three']

const opened = async (t: TestContext) => {
  const store = await openTestStore(t)
  const topic = store.topic('T')
  appendBodies(store, topic, BODIES)
  await whenDispatched(store)
  return { store, topic }
}

test('what is read ahead is told when it is in memory, whether it exists or not', async (t) => {
  const { store, topic } = await opened(t)
  equal(await store.readAhead(topic, 0, 0, 32, undefined, 1024), true)
  equal(await store.readAhead(topic, 7, 100, 32, new Int32Array([1]), 1024), true)
  deepEqual(await Promise.all([0, 1, 1 << 20].map((offset) => store.readRecordAhead(offset))), [true, true, true])
  equal(await store.queryAhead('T', 'no such key', 32, 0, Number.MAX_SAFE_INTEGER), true)
  equal(await store.offsetByTimeAhead(topic, 0, Date.now()), true)
  equal(await store.offsetByTimeAhead(topic, 7, 0), true)
  equal(await store.storeTimesAhead(topic, Float64Array.of(0, 1, 7, 0, 0, 100)), true)
  equal(await store.storeTimesAhead(topic, new Float64Array()), true)
})

test('times of what can be no message are refused', async (t) => {
  const { store, topic } = await opened(t)
  for (const place of [
    [-1, 0],
    [0.5, 0],
    [0, 0.5],
    [Number.NaN, 0],
    [2 ** 31, 0],
    [0, 2 ** 53],
  ]) {
    await rejects(
      store.storeTimesAhead(topic, Float64Array.from(place)),
      { code: 'STORE_INVALID_ARGUMENT' },
      `${place}`,
    )
  }
  await rejects(store.offsetByTimeAhead(topic, -1, 0), { code: 'STORE_INVALID_ARGUMENT' })
  await rejects(store.storeTimesAhead((topic + 99) as typeof topic, new Float64Array()), {
    code: 'STORE_INVALID_ARGUMENT',
  })
})

test('more reads than may wait are refused, all others end', async (t) => {
  const { store } = await opened(t)
  const ended = await Promise.all(Array.from({ length: 3000 }, () => store.readRecordAhead(0)))
  equal(ended.length, 3000)
  equal(ended[0], true)
})

test('a close ends every read that waits', async (t) => {
  const { store } = await opened(t)
  const reads = Array.from({ length: 500 }, () => store.readRecordAhead(0))
  const outcomes = Promise.allSettled(reads)
  await store.close()
  for (const outcome of await outcomes) {
    if (outcome.status === 'rejected') equal(outcome.reason.code, 'STORE_CLOSED')
  }
  await rejects(store.readRecordAhead(0), { code: 'STORE_CLOSED' })
})

test('a pull that may not wait for the disk finds what is in memory', async (t) => {
  const { store, topic } = await opened(t)
  const into = Buffer.alloc(4096)
  const result = new PullResult()
  store.pull(topic, 0, 0, 32, undefined, 4096, into, 0, result, false)
  deepEqual([result.status, result.count], [PullStatus.FOUND, BODIES.length])
})

test('messages far behind the end are limited as those on disk are', async (t) => {
  const { store, topic } = await opened(t)
  const into = Buffer.alloc(4096)
  const result = new PullResult()
  const pulled = (): number => {
    store.pull(topic, 0, 0, 32, undefined, 4096, into, 0, result)
    return result.count
  }
  equal(pulled(), 3)
  store.setReadLimits({ memoryWindowBytes: 0, maxCountOnDisk: 2, maxBytesOnDisk: 4096 })
  equal(pulled(), 2)
  store.setReadLimits({ memoryWindowBytes: 0, maxCountOnDisk: 8, maxBytesOnDisk: 1 })
  equal(pulled(), 1)
  store.setReadLimits({ memoryWindowBytes: 4096, maxCountOnDisk: 1, maxBytesOnDisk: 1 })
  equal(pulled(), 3)
})
