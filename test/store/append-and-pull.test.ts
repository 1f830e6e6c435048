import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import {
  AppendBatch,
  AppendStatus,
  openMessageStore,
  PullResult,
  PullStatus,
  StoreError,
  type TopicHandle,
} from '../../lib/store/index.ts'
import {
  addRow,
  appendBodies,
  javaHash,
  openTestStore,
  pullBodies,
  recordBody,
  smallStore,
  splitRecords,
  temporaryDirectory,
  whenDispatched,
} from './support/store-fixture.ts'

const pullInto = (size: number) => ({ into: Buffer.alloc(size, 0xee), result: new PullResult() })

test('appended messages come back whole and in order', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Orders')
  const batch = appendBodies(store, topic, ['first', 'second', 'third'])
  deepEqual(
    [0, 1, 2].map((row) => batch.queueOffset(row)),
    [0, 1, 2],
  )
  equal(batch.physicalOffset(0), 0)
  equal(batch.physicalOffset(1), batch.sizeBytes(0))
  equal(batch.endOffset, batch.physicalOffset(2) + batch.sizeBytes(2))
  equal(store.watermarks.appended, batch.endOffset)
  await whenDispatched(store)

  const { into, result } = pullInto(4096)
  store.pull(topic, 0, 0, 32, undefined, 4096, into, 100, result)
  equal(result.status, PullStatus.FOUND)
  equal(result.count, 3)
  equal(result.nextBeginOffset, 3)
  equal(result.minOffset, 0)
  equal(result.maxOffset, 3)
  const records = splitRecords(into.subarray(100, 100 + result.sizeBytes))
  deepEqual(records.map(recordBody), ['first', 'second', 'third'])
  equal(into[99], 0xee)
  equal(into[100 + result.sizeBytes], 0xee)
})

test('the record carries what the row said', async (t) => {
  const store = await openTestStore(t)
  const batch = new AppendBatch(1)
  addRow(batch, store.topic('Fields'), 'body', { queueId: 3, flag: -7, bornTimestampMs: 1_234_567_890_123 })
  store.append(batch)
  const record = store.readRecord(batch.physicalOffset(0))!
  equal(record.length, batch.sizeBytes(0))
  equal(record.readInt32BE(12), 3)
  equal(record.readInt32BE(16), -7)
  equal(Number(record.readBigInt64BE(20)), 0)
  equal(Number(record.readBigInt64BE(40)), 1_234_567_890_123)
  deepEqual([...record.subarray(48, 52)], [10, 0, 0, 7])
  equal(record.readInt32BE(52), 40_000)
  equal(Number(record.readBigInt64BE(56)), batch.storeTimestampMs(0))
  deepEqual([...record.subarray(64, 68)], [127, 0, 0, 1])
  equal(record.readInt32BE(68), 10911)
})

test('an IPv6 producer address sets its flag and takes 16 bytes', async (t) => {
  const store = await openTestStore(t)
  const batch = new AppendBatch(1)
  const address = Buffer.from('20010db8000000000000000000000001', 'hex')
  address.copy(batch.aux, 0)
  batch.add(store.topic('V6'), 0, 0, 0, 0, 1, 0, 0, 16, 99, 0, 0, 0, 0, 1)
  store.append(batch)
  equal(batch.status(0), AppendStatus.OK)
  const record = store.readRecord(batch.physicalOffset(0))!
  equal(record.readInt32BE(36) & 16, 16)
  deepEqual(record.subarray(48, 64), address)
})

test('only messages with a wanted tag are pulled', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Tagged')
  for (const tag of ['a', 'b', 'c', 'a']) appendBodies(store, topic, [`of ${tag}`], { tag })
  await whenDispatched(store)
  deepEqual(pullBodies(store, topic, 0, 0, Int32Array.of(javaHash('a'), javaHash('c'))), ['of a', 'of c', 'of a'])
  const { into, result } = pullInto(4096)
  store.pull(topic, 0, 0, 32, Int32Array.of(javaHash('none')), 4096, into, 0, result)
  equal(result.status, PullStatus.NO_MATCHED_MESSAGE)
  equal(result.nextBeginOffset, 4)
})

test('a record that does not fit tells how much room it needs', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Big')
  const batch = appendBodies(store, topic, [Buffer.alloc(5000, 1)])
  await whenDispatched(store)
  const { into, result } = pullInto(1000)
  store.pull(topic, 0, 0, 32, undefined, 1000, into, 0, result)
  equal(result.count, 0)
  equal(result.neededBytes, batch.sizeBytes(0))
  ok(into.every((byte) => byte === 0xee))
})

test('pulls outside of a queue say how', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Bounds')
  appendBodies(store, topic, ['one'])
  await whenDispatched(store)
  const { into, result } = pullInto(100)
  const statusAt = (queueId: number, from: number) => {
    store.pull(topic, queueId, from, 1, undefined, 100, into, 0, result)
    return result.status
  }
  equal(statusAt(0, 1), PullStatus.OFFSET_OVERFLOW_ONE)
  equal(statusAt(0, 2), PullStatus.OFFSET_OVERFLOW_BADLY)
  equal(statusAt(0, -1), PullStatus.OFFSET_TOO_SMALL)
  equal(statusAt(1, 0), PullStatus.NO_MATCHED_QUEUE)
})

test('a row with a wrong value fails alone', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Rows')
  // Arguments of `add` by position; one wrong value each.
  const right = [topic, 0, 0, 0, 0, 1, 0, 0, 4, 1, 0, 5, 4, 0, 1]
  const wrong: [position: number, value: number][] = [
    [0, -1],
    [0, 99_999],
    [0, 0.5],
    [0, Number.NaN],
    [1, -1],
    [1, 2 ** 31],
    [2, 2 ** 31],
    [3, -(2 ** 31) - 1],
    [4, 1.5],
    [5, 2 ** 53],
    [5, Number.POSITIVE_INFINITY],
    [6, -(2 ** 60)],
    [7, -1],
    [7, 2 ** 40],
    [8, 5],
    [8, 0],
    [8, 4096],
    [9, 65_536],
    [9, -1],
    [10, -1],
    [10, 6],
    [11, 11],
    [11, -1],
    [11, 2 ** 52],
    [12, 2 ** 33],
    [13, 40_000],
    [13, -5],
    [14, 0],
    [14, -1],
    [14, Number.NaN],
  ]
  const batch = new AppendBatch(64, 32)
  batch.body = Buffer.alloc(10, 0x61)
  const add = (values: readonly number[]) => batch.add(...(values as Parameters<AppendBatch['add']>))
  for (const [position, value] of wrong) add(right.with(position, value))
  add(right)
  store.append(batch)
  for (let row = 0; row < wrong.length; row++) {
    equal(batch.status(row), AppendStatus.INVALID_ARGUMENT, `position and value ${wrong[row]}`)
    equal(batch.physicalOffset(row), -1)
  }
  equal(batch.status(wrong.length), AppendStatus.OK)
  equal(batch.queueOffset(wrong.length), 0)
  equal(batch.endOffset, batch.sizeBytes(wrong.length))
})

test('messages of one client batch fail together', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Batch')
  const batch = new AppendBatch(8)
  addRow(batch, topic, 'a', { batchSize: 2 })
  addRow(batch, topic, 'b', { batchSize: 0, queueId: -1 })
  addRow(batch, topic, 'c', { batchSize: 2 })
  addRow(batch, topic, 'd', { batchSize: 0 })
  addRow(batch, topic, 'e', { batchSize: 3 })
  store.append(batch)
  const { OK, INVALID_ARGUMENT } = AppendStatus
  deepEqual(
    [0, 1, 2, 3, 4].map((row) => batch.status(row)),
    [INVALID_ARGUMENT, INVALID_ARGUMENT, OK, OK, INVALID_ARGUMENT],
  )
  deepEqual([batch.queueOffset(2), batch.queueOffset(3)], [0, 1])
})

test('a body over the limit is too large and leaves the others alone', async (t) => {
  const store = await openTestStore(t, { maxBodyBytes: 100 })
  const topic = store.topic('Limit')
  const batch = new AppendBatch(4)
  addRow(batch, topic, Buffer.alloc(101))
  addRow(batch, topic, Buffer.alloc(100))
  store.append(batch)
  deepEqual([batch.status(0), batch.status(1)], [AppendStatus.TOO_LARGE, AppendStatus.OK])
})

test('an empty batch appends nothing', async (t) => {
  const store = await openTestStore(t)
  const batch = new AppendBatch(4)
  store.append(batch)
  equal(batch.endOffset, -1)
  equal(store.watermarks.appended, 0)
})

test('a batch is full at its capacity and can be used again after clear', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Again')
  const batch = new AppendBatch(1)
  for (const body of ['one', 'two', 'three']) {
    batch.clear()
    addRow(batch, topic, body)
    throws(() => addRow(batch, topic, 'more'), { code: 'STORE_INVALID_ARGUMENT' })
    store.append(batch)
    equal(batch.status(0), AppendStatus.OK)
  }
  await whenDispatched(store)
  deepEqual(pullBodies(store, topic), ['one', 'two', 'three'])
})

test('wrong arguments of a pull are refused by name', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Arguments')
  appendBodies(store, topic, ['one'])
  const { into, result } = pullInto(100)
  const right = [topic, 0, 0, 32, undefined, 100, into, 0, result]
  const wrong: [position: number, value: unknown, name: RegExp][] = [
    [0, 1_000_000, /topic/],
    [1, -1, /queueId/],
    [1, 1.5, /queueId/],
    [2, 2 ** 53, /fromQueueOffset/],
    [2, '0', /fromQueueOffset/],
    [3, -1, /maxCount/],
    [4, new Float64Array(1), /tagCodes/],
    [5, 2 ** 32, /maxBytes/],
    [6, 'text', /into/],
    [6, new ArrayBuffer(8), /into/],
    [6, new Uint16Array(9), /into/],
    [7, 101, /intoStart/],
    [7, -1, /intoStart/],
    [8, { cells: new Float64Array(7) }, /result/],
    [8, { cells: [] }, /result/],
  ]
  for (const [position, value, name] of wrong) {
    const values = right.with(position, value as never) as Parameters<typeof store.pull>
    throws(
      () => store.pull(...values),
      (error) => {
        ok(error instanceof StoreError)
        equal(error.code, 'STORE_INVALID_ARGUMENT')
        return name.test(error.message)
      },
    )
  }
})

test('hostile topic names are refused', async (t) => {
  const store = await openTestStore(t)
  for (const name of ['', '../x', 'a/b', 'a\0b', 'x'.repeat(128), 'x'.repeat(5000), 'tab\t', 'ü', '\ud800', '.']) {
    throws(() => store.topic(name), { name: 'StoreError', code: 'STORE_INVALID_ARGUMENT' }, JSON.stringify(name))
  }
  throws(() => store.topic(7 as unknown as string), { code: 'STORE_INVALID_ARGUMENT' })
  equal(store.topic('%RETRY%g'), store.topic('%RETRY%g'))
})

test('what was appended is there after closing and opening again', async (t) => {
  const directory = await temporaryDirectory(t)
  const first = await openMessageStore(smallStore(directory))
  appendBodies(first, first.topic('Kept'), ['one', 'two'], { keys: 'k' })
  const { appended } = first.watermarks
  await first.close()
  equal(first.watermarks.flushed, appended)

  await using second = await openMessageStore(smallStore(directory))
  equal(second.watermarks.appended, appended)
  const topic: TopicHandle = second.topic('Kept')
  deepEqual(second.bounds(topic, 0), { min: 0, max: 2 })
  equal(appendBodies(second, topic, ['three']).queueOffset(0), 2)
  await whenDispatched(second)
  deepEqual(pullBodies(second, topic), ['one', 'two', 'three'])
})

test('messages cross log files', async (t) => {
  const store = await openTestStore(t, { segmentBytes: 65_536 })
  const topic = store.topic('Many')
  for (let round = 0; round < 20; round++) {
    appendBodies(
      store,
      topic,
      Array.from({ length: 8 }, (_, index) => `${round * 8 + index}`.padEnd(2000, '.')),
    )
  }
  await whenDispatched(store)
  const bodies = pullBodies(store, topic)
  equal(bodies.length, 160)
  deepEqual(
    bodies.map((body) => Number.parseInt(body, 10)),
    Array.from({ length: 160 }, (_, index) => index),
  )
})
