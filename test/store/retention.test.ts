import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { AppendBatch, AppendStatus, type MessageStore, openMessageStore } from '../../lib/store/index.ts'
import { waitFor } from '../support/wait-for.ts'
import { addRow, openTestStore, smallStore, temporaryDirectory } from './support/store-fixture.ts'

/** More than any disk has: appends are refused. */
const everything = Number.MAX_SAFE_INTEGER

const append = (store: MessageStore, body: Buffer | string): number => {
  const batch = new AppendBatch(1, 1024)
  const row = addRow(batch, store.topic('T'), body)
  store.append(batch)
  return batch.status(row)
}

const fillSegments = (store: MessageStore, count: number): void => {
  const body = Buffer.alloc(100_000, 'x')
  for (let index = 0; index < count * 10; index++) equal(append(store, body), AppendStatus.OK)
}

test('truncateBefore deletes whole segments below an offset, with what queues have of them', async (t) => {
  const store = await openTestStore(t)
  fillSegments(store, 3)
  const segment = 1 << 20
  equal(await store.truncateBefore(2 * segment + 17), 2)
  equal(store.minPhysicalOffset, 2 * segment)
  const { min, max } = store.bounds(store.topic('T'), 0)!
  ok(min >= 18 && min <= 20, `min ${min}`)
  equal(max, 30)
  deepEqual([store.retention.deletedSegments, store.retention.deletedBytes], [2, 2 * segment])
  equal(await store.deleteExpiredNow(), 0)
})

test('appends are refused for want of space, with the cause, and taken again by themselves', async (t) => {
  const store = await openTestStore(t)
  const notices: string[] = []
  store.onRetentionNotice(({ refusal }) => notices.push(refusal))
  equal(append(store, 'before'), AppendStatus.OK)
  store.setRetention({ minFreeBytes: everything })
  await waitFor('the refusal', () => notices.length === 1)
  match(store.retention.refusal, /^disk has \d+ bytes free, limit 9007199254740991 /)
  equal(append(store, 'refused'), AppendStatus.NO_SPACE)
  equal(store.failure, undefined)
  store.setRetention({ minFreeBytes: 0 })
  await waitFor('the return', () => append(store, 'after') === AppendStatus.OK)
  await waitFor('both notices', () => notices.length === 2)
  match(notices[0]!, /^disk has/)
  equal(notices[1], '')
})

test('a topic is kept with fewer bytes than the log, also after a restart', async (t) => {
  const directory = await temporaryDirectory(t)
  {
    await using store = await openMessageStore(smallStore(directory, { retention: { cleanIntervalMs: 10 } }))
    fillSegments(store, 1)
    await store.setTopicRetention('T', { bytes: 250_000 })
    await waitFor('the trim', () => store.bounds(store.topic('T'), 0)?.min === 8)
    deepEqual([...store.topicRetentions()], [['T', { timeMs: 0, bytes: 250_000 }]])
  }
  await using store = await openMessageStore(smallStore(directory))
  deepEqual(store.bounds(store.topic('T'), 0), { min: 8, max: 10 })
  await store.setTopicRetention('T', {})
  equal(store.topicRetentions().size, 0)
})

test('statistics name the use of both file systems and the time that ages count by', async (t) => {
  const before = Date.now()
  const store = await openTestStore(t)
  const { logUsedRatio, rootUsedRatio, freeBytes, verifiedTimeMs, ...others } = store.retention
  ok(logUsedRatio >= 0 && logUsedRatio <= 1)
  equal(rootUsedRatio, logUsedRatio)
  ok(freeBytes > 0)
  ok(verifiedTimeMs >= before - 1000)
  deepEqual(others, {
    deletedSegments: 0,
    deletedBytes: 0,
    lastDeleteMs: 0,
    refusal: '',
    clockAheadMs: 0,
    clockDoubt: '',
    problem: '',
  })
  await store.acceptClock()
})

test('wrong values are refused', async (t) => {
  const store = await openTestStore(t)
  for (const options of [{ cleanPercent: 0 }, { reservedMs: 0.5 }, { deleteHours: [24] }, { cleanForcibly: 1 }]) {
    throws(() => store.setRetention(options as never), { code: 'STORE_INVALID_ARGUMENT' })
    await rejects(openMessageStore(smallStore('unused', { retention: options as never })), {
      code: 'STORE_INVALID_ARGUMENT',
    })
  }
  await rejects(store.truncateBefore(-1), { code: 'STORE_INVALID_ARGUMENT' })
  await rejects(store.setTopicRetention('a/b', { bytes: 1 }), { code: 'STORE_INVALID_ARGUMENT' })
  await rejects(store.setTopicRetention('T', { bytes: -1 }), { code: 'STORE_INVALID_ARGUMENT' })
})

test('a request that the end of the store leaves undone is told, and one afterwards refused', async (t) => {
  const store = await openMessageStore(
    smallStore(await temporaryDirectory(t), { retention: { deleteSegmentIntervalMs: 60_000 } }),
  )
  fillSegments(store, 4)
  const truncated = store.truncateBefore(everything).catch((error: { code: string }) => error.code)
  await store.close()
  const outcome = await truncated
  ok(outcome === 'STORE_CLOSED' || typeof outcome === 'number', String(outcome))
  await rejects(store.truncateBefore(0), { code: 'STORE_CLOSED' })
  throws(() => store.retention, { code: 'STORE_CLOSED' })
})

test('a deletion and the dispatcher may be waited for at once', async (t) => {
  const store = await openTestStore(t)
  fillSegments(store, 2)
  const deleted = store.truncateBefore(1 << 20)
  await store.whenDispatched(store.watermarks.appended)
  equal(await deleted, 1)
})
