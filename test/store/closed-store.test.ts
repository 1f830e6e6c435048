import { equal, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { AppendBatch, AppendStatus, type MessageStore, openMessageStore, PullResult } from '../../lib/store/index.ts'
import { addRow, appendBodies, smallStore, temporaryDirectory } from './support/store-fixture.ts'

type Use = (store: MessageStore, topic: ReturnType<MessageStore['topic']>) => unknown

const throwing: Record<string, Use> = {
  topic: (store) => store.topic('T'),
  requestFlush: (store) => store.requestFlush(0),
  pull: (store, topic) => store.pull(topic, 0, 0, 1, undefined, 1, Buffer.alloc(1), 0, new PullResult()),
  watch: (store, topic) => store.watch(topic, 0, 0),
  setHurry: (store) => store.setHurry(true),
  onArrival: (store) => store.onArrival(() => {}),
  bounds: (store, topic) => store.bounds(topic, 0),
  offsetByTime: (store, topic) => store.offsetByTime(topic, 0, 0),
  storeTimeAt: (store, topic) => store.storeTimeAt(topic, 0, 0),
  earliestStoreTime: (store) => store.earliestStoreTime(),
  readRecord: (store) => store.readRecord(0),
  readLog: (store) => store.readLog(0, Buffer.alloc(1), 0, 1),
  leaseRecord: (store) => store.leaseRecord(0),
  queryByKey: (store) => store.queryByKey('T', 'k', 1, 0, 1),
  setReadLimits: (store) => store.setReadLimits({ memoryWindowBytes: 1, maxCountOnDisk: 1, maxBytesOnDisk: 1 }),
  minPhysicalOffset: (store) => store.minPhysicalOffset,
  queues: (store) => store.queues(),
  takeLogDamage: (store) => store.takeLogDamage(),
  retention: (store) => store.retention,
  setRetention: (store) => store.setRetention({}),
  topicRetentions: (store) => store.topicRetentions(),
  onRetentionNotice: (store) => store.onRetentionNotice(() => {}),
  queueEntries: (store, topic) => store.queueEntries(topic, 0, 0, 1),
  setFilters: (store) => store.setFilters(8, []),
}

const callingBack: Record<string, Use> = {
  whenFlushed: (store) => store.whenFlushed(0),
  readAhead: (store, topic) => store.readAhead(topic, 0, 0, 1, undefined, 1),
  readRecordAhead: (store) => store.readRecordAhead(0),
  queryAhead: (store) => store.queryAhead('T', 'k', 1, 0, 1),
  offsetByTimeAhead: (store, topic) => store.offsetByTimeAhead(topic, 0, 0),
  storeTimesAhead: (store, topic) => store.storeTimesAhead(topic, Float64Array.of(0, 0)),
  readLogAhead: (store) => store.readLogAhead(0, 1),
  deleteExpiredNow: (store) => store.deleteExpiredNow(),
  truncateBefore: (store) => store.truncateBefore(0),
  acceptClock: (store) => store.acceptClock(),
  setTopicRetention: (store) => store.setTopicRetention('T', {}),
  removeTopic: (store) => store.removeTopic('T'),
  whenDispatched: (store) => store.whenDispatched(0),
  whenCommitted: (store) => store.whenCommitted(0),
  whenArrived: (store, topic) => store.whenArrived(topic, 0, 0),
  onFlushed: (store) =>
    new Promise<void>((resolve, reject) => store.onFlushed(0, (error) => (error ? reject(error) : resolve()))),
}

const checkAll = async (store: MessageStore, topic: ReturnType<MessageStore['topic']>): Promise<void> => {
  for (const [name, use] of Object.entries(throwing)) {
    throws(() => use(store, topic), { name: 'StoreError', code: 'STORE_CLOSED' }, name)
  }
  const batch = new AppendBatch(2)
  addRow(batch, topic, 'late')
  store.append(batch)
  equal(batch.status(0), AppendStatus.CLOSED)
  equal(batch.physicalOffset(0), -1)
  equal(batch.endOffset, -1)
  for (const [name, use] of Object.entries(callingBack)) {
    await rejects(use(store, topic) as Promise<void>, { name: 'StoreError', code: 'STORE_CLOSED' }, name)
  }
}

test('every method of a closing and of a closed store ends with STORE_CLOSED', async (t) => {
  const store = await openMessageStore(smallStore(await temporaryDirectory(t)))
  const topic = store.topic('T')
  const { endOffset } = appendBodies(store, topic, ['one'])
  const closed = store.close()
  await checkAll(store, topic)
  await closed
  await checkAll(store, topic)
  // Facts about the past stay readable.
  equal(store.watermarks.appended, endOffset)
  equal(store.watermarks.committed, endOffset)
  equal(store.watermarks.flushed, endOffset)
  equal(store.watermarks.dispatched, endOffset)
  equal(store.replicableEnd, endOffset)
  equal(store.failure, undefined)
  equal(store.flushMode, 'async')
})

test('the list above names every method there is', async (t) => {
  const store = await openMessageStore(smallStore(await temporaryDirectory(t)))
  await store.close()
  const known = new Set([
    ...Object.keys(throwing),
    ...Object.keys(callingBack),
    'append',
    'close',
    'detach',
    'failure',
    'replicableEnd',
    'recovery',
    'constructor',
  ])
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store))
  equal(names.filter((name) => !known.has(name)).join(), '')
})

test('closing twice is closing once', async (t) => {
  const store = await openMessageStore(smallStore(await temporaryDirectory(t)))
  const first = store.close()
  equal(store.close(), first)
  await first
  equal(store.close(), first)
  await store[Symbol.asyncDispose]()
})

test('the directory is free as soon as close has resolved', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let round = 0; round < 10; round++) {
    const store = await openMessageStore(smallStore(directory))
    appendBodies(store, store.topic('Rounds'), [`${round}`])
    await store.close()
  }
  await using store = await openMessageStore(smallStore(directory))
  equal(store.bounds(store.topic('Rounds'), 0)?.max, 10)
})

test('several stores are open side by side and do not mix', async (t) => {
  const stores = await Promise.all(
    Array.from({ length: 4 }, async () => openMessageStore(smallStore(await temporaryDirectory(t)))),
  )
  stores.forEach((store, index) => {
    appendBodies(
      store,
      store.topic('T'),
      Array.from({ length: index + 1 }, () => 'x'),
    )
  })
  await stores[1]!.close()
  const foreign = stores[3]!.topic('OnlyInTheFourth')
  throws(() => stores[0]!.bounds(foreign, 0), { code: 'STORE_INVALID_ARGUMENT' })
  await Promise.all(stores.map((store) => store.close()))
})
