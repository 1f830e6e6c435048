import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { AppendBatch } from '../../lib/store/append-batch.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  addRow,
  appendBodies,
  javaHash,
  openTestStore,
  pullBodies,
  recordBody,
  whenDispatched,
} from './support/store-fixture.ts'

test('an empty store answers queries', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Empty')
  equal(store.bounds(topic, 0), undefined)
  equal(store.earliestStoreTime(), -1)
  equal(store.storeTimeAt(topic, 0, 0), -1)
  equal(store.readRecord(0), undefined)
  equal(store.minPhysicalOffset, 0)
  deepEqual(store.queues(), [])
  deepEqual(store.queryByKey('Empty', 'k', 32, 0, Number.MAX_SAFE_INTEGER).physicalOffsets, [])
})

test('queues, bounds and store times tell what was appended', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Known')
  const batch = appendBodies(store, topic, ['a', 'b'], { queueId: 1 })
  appendBodies(store, topic, ['c'], { queueId: 0 })
  await whenDispatched(store)
  deepEqual(store.bounds(topic, 1), { min: 0, max: 2 })
  equal(store.bounds(topic, 2), undefined)
  deepEqual(
    store.queues().sort((a, b) => a.queueId - b.queueId),
    [
      { topic: 'Known', queueId: 0 },
      { topic: 'Known', queueId: 1 },
    ],
  )
  equal(store.earliestStoreTime(), batch.storeTimestampMs(0))
  equal(store.storeTimeAt(topic, 1, 1), batch.storeTimestampMs(1))
  equal(store.storeTimeAt(topic, 1, 2), -1)
  equal(store.offsetByTime(topic, 1, batch.storeTimestampMs(0)), 0)
  ok(store.offsetByTime(topic, 1, batch.storeTimestampMs(1) + 60_000) >= 1)
})

test('raw queue entries tell place, size and tag of each message', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Raw')
  const batch = appendBodies(store, topic, ['a', 'b', 'c'], { tag: 'red' })
  await whenDispatched(store)
  const entries = store.queueEntries(topic, 0, 1, 10)
  equal(entries.length, 2)
  equal(entries[0]!.physicalOffset, batch.physicalOffset(1))
  equal(entries[0]!.sizeBytes, store.readRecord(batch.physicalOffset(1))!.length)
  equal(entries[0]!.tagsCode, BigInt(javaHash('red')))
  equal(store.queueEntries(topic, 0, 0, 1).length, 1)
  deepEqual(store.queueEntries(topic, 0, 3, 1), [])
  deepEqual(store.queueEntries(topic, 7, 0, 1), [])
  throws(() => store.queueEntries(topic, 0, -1, 1), { code: 'STORE_INVALID_ARGUMENT' })
  throws(() => store.queueEntries(topic, 0, 0, 5000), { code: 'STORE_INVALID_ARGUMENT' })
})

test('a removed topic has no queue, and begins at 0 when it comes back', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Gone')
  appendBodies(store, topic, ['a', 'b'])
  appendBodies(store, store.topic('Stays'), ['x'])
  const removed = store.removeTopic('Gone')
  equal(appendBodies(store, topic, ['c']).queueOffset(0), 0)
  await Promise.all([removed, store.removeTopic('Unknown')])
  await whenDispatched(store)
  deepEqual(pullBodies(store, topic), ['c'])
  equal(store.queues().length, 2)
})

test('a message may stand in several queues', async (t) => {
  const store = await openTestStore(t, { multiDispatch: { enabled: true, lmqEnabled: true } })
  const batch = new AppendBatch(1)
  addRow(batch, store.topic('T'), 'm', { queueId: 2, more: 'INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%b\x02' })
  store.append(batch)
  await whenDispatched(store)
  for (const name of ['%LMQ%a', '%LMQ%b']) deepEqual(pullBodies(store, store.topic(name)), ['m'])
})

test('a record is read by the place where it starts, and nowhere else', async (t) => {
  const store = await openTestStore(t)
  const batch = appendBodies(store, store.topic('ById'), ['first', 'second'])
  equal(recordBody(store.readRecord(batch.physicalOffset(1))!), 'second')
  equal(store.readRecord(batch.physicalOffset(1) + 1), undefined)
  equal(store.readRecord(batch.endOffset), undefined)
  equal(store.readRecord(Number.MAX_SAFE_INTEGER), undefined)
  throws(() => store.readRecord(-1), { code: 'STORE_INVALID_ARGUMENT' })
  throws(() => store.readRecord(2 ** 53), { code: 'STORE_INVALID_ARGUMENT' })
})

test('messages are found by key', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Keyed')
  const one = appendBodies(store, topic, ['one'], { keys: 'red green' })
  const two = appendBodies(store, topic, ['two'], { keys: 'green' })
  await whenDispatched(store)
  const query = (key: string) =>
    store.queryByKey('Keyed', key, 32, 0, Number.MAX_SAFE_INTEGER).physicalOffsets.sort((a, b) => a - b)
  await waitFor('the index', () => query('green').length === 2, { everyMs: 1 })
  deepEqual(query('red'), [one.physicalOffset(0)])
  deepEqual(query('green'), [one.physicalOffset(0), two.physicalOffset(0)])
  deepEqual(query('blue'), [])
  const { indexLastUpdatePhysicalOffset, indexLastUpdateTimestampMs } = store.queryByKey('Keyed', 'red', 1, 0, 1)
  equal(indexLastUpdatePhysicalOffset, two.physicalOffset(0))
  ok(indexLastUpdateTimestampMs > 0)
  throws(() => store.queryByKey('Keyed', 'k'.repeat(70_000), 32, 0, 1), { code: 'STORE_INVALID_ARGUMENT' })
  throws(() => store.queryByKey('Keyed', 'k', -1, 0, 1), { code: 'STORE_INVALID_ARGUMENT' })
})
