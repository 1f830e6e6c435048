import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LogStore, openStore } from '../../lib/store/index.ts'
import { engineOptions } from '../../lib/store/log-store-options.ts'
import { waitFor } from '../support/wait-for.ts'
import { bodies, collect, numbered, openLog, smallFiles, ways } from './support/log-fixture.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

const segment = smallFiles.segmentBytes
const quick = { cleanIntervalMs: 10, deleteSegmentIntervalMs: 0, deleteQueueFilesIntervalMs: 0 }
const body = Buffer.alloc(100_000, 'x')

/** Ten messages a file. Gives where each starts. */
const fillFiles = async (store: LogStore, files: number): Promise<number[]> => {
  const starts: number[] = []
  for (let index = 0; index < files * 10; index++) starts.push((await store.append({ body })).physicalOffset)
  await store.read()
  return starts
}

const logFilesIn = async (store: LogStore): Promise<number[]> =>
  (await readdir(join(store.stats().directory, 'commitlog'))).map(Number).sort((a, b) => a - b)

for (const [name, way] of Object.entries(ways)) {
  test(`truncateBefore deletes the whole log files below an offset (${name})`, async (t) => {
    const store = await openLog(t, { ...way, retention: quick })
    const starts = await fillFiles(store, 4)
    deepEqual(await store.truncateBefore(2 * segment + 17), {
      deletedFiles: 2,
      deletedBytes: 2 * segment,
      minOffset: 2 * segment,
      remainingFiles: 0,
    })
    ok((await logFilesIn(store)).every((start) => start >= 2 * segment))
    const { minOffset, retention, queues } = store.stats()
    deepEqual([minOffset, retention.deletedSegments, retention.deletedBytes], [2 * segment, 2, 2 * segment])
    const first = starts.findIndex((start) => start >= 2 * segment)
    equal(queues[0]!.minOffset, first)
    equal((await store.read({ maxCount: 1, maxBytes: 1 })).messages[0]!.queueOffset, first)
    equal(await store.get(starts[0]!), undefined)
    equal((await store.truncateBefore(2 * segment)).deletedFiles, 0)
    // Never the file being written, however far the point is.
    const { remainingFiles } = await store.truncateBefore(Number.MAX_SAFE_INTEGER)
    equal(remainingFiles, 0)
    equal((await store.append({ body: 'after' })).queueOffset, 40)
  })
}

test('truncateBefore a time keeps every message that was stored from it on', async (t) => {
  const store = await openLog(t, { retention: quick })
  const starts = await fillFiles(store, 3)
  const messages = await Promise.all(starts.map((start) => store.get(start)))
  const until = messages.at(-1)!.storeTimestampMs
  equal((await store.truncateBefore({ timestampMs: messages[0]!.storeTimestampMs })).deletedFiles, 0)
  await waitFor('a later time', () => Date.now() > until)
  await store.append({ body: 'late' })
  const kept = messages.find((message) => message!.storeTimestampMs === until)!
  const { minOffset } = await store.truncateBefore({ timestampMs: until })
  ok(minOffset <= kept.physicalOffset, `${minOffset} ${kept.physicalOffset}`)
  const { deletedFiles, remainingFiles } = await store.truncateBefore({ timestampMs: until + 1 })
  ok(deletedFiles + minOffset / segment >= 2, 'the files before the last one go')
  equal(remainingFiles, 0)
  deepEqual(bodies((await store.read({ from: 30 })).messages), ['late'])
})

test('what is no point to truncate at is refused', async (t) => {
  const store = await openLog(t)
  const wrong = [-1, 0.5, '1', undefined, null, {}, { timestampMs: Number.NaN }]
  for (const point of wrong) {
    await rejects(store.truncateBefore(point as number), { code: 'STORE_INVALID_ARGUMENT' }, String(point))
  }
})

test('a lease pins its log file until it ends; then the file goes by itself', async (t) => {
  const store = await openLog(t, { retention: quick })
  const [first] = await fillFiles(store, 3)
  const lease = store.lease(first!)!
  const before = Buffer.from(lease.bytes)
  const { deletedFiles, remainingFiles, minOffset } = await store.truncateBefore(2 * segment)
  deepEqual([deletedFiles, remainingFiles, minOffset], [0, 2, 0])
  // New files are made of deleted ones; not of this.
  await fillFiles(store, 3)
  deepEqual(lease.bytes, before)
  deepEqual(lease.message().body, body)
  equal((await store.get(first!))!.body.length, body.length)
  lease.release()
  equal(lease.bytes.length, 0)
  await waitFor('the files to go', () => store.stats().minOffset === 2 * segment)
  equal(await store.get(first!), undefined)
  equal(store.lease(first!), undefined)
})

test('a lease whose file was deleted over its head keeps its bytes until it ends, at the latest at the close', async (t) => {
  const store = await openLog(t, { retention: { ...quick, destroyPinnedAfterMs: 0 } })
  const [first, second] = await fillFiles(store, 3)
  const [lease, other] = [store.lease(first!)!, store.lease(second!)!]
  const before = Buffer.from(lease.bytes)
  equal((await store.truncateBefore(2 * segment)).deletedFiles, 2)
  await fillFiles(store, 4)
  deepEqual(lease.bytes, before)
  equal(store.stats().leases, 2)
  other.release()
  equal(other.bytes.length, 0)
  deepEqual(lease.bytes, before)
  await store.close()
  equal(lease.bytes.length, 0)
  equal(lease.bytes.buffer.byteLength, 0)
})

test('nothing is deleted by itself until it is asked for', async (t) => {
  const keeps = { deleteHours: [], cleanPercent: 100, cleanForcibly: false }
  deepEqual(engineOptions({ directory: 'd' }).retention, keeps)
  const reserved = { reservedMs: 1, ...quick }
  deepEqual(engineOptions({ directory: 'd', retention: reserved }).retention, { ...keeps, ...reserved })
  const store = await openLog(t, { retention: reserved })
  await fillFiles(store, 3)
  // Topics are trimmed at the end of a round: then that round deleted no file.
  await store.setTopicRetention('log', { bytes: 150_000 })
  for (const count of [40, 50]) {
    await fillFiles(store, 1)
    await waitFor('a round', () => store.stats().queues[0]!.minOffset === count - 1)
  }
  deepEqual([store.stats().minOffset, store.stats().retention.deletedSegments], [0, 0])
  store.engine.setRetention({ deleteHours: Array.from({ length: 24 }, (_, hour) => hour) })
  await waitFor('the deletion', () => store.stats().minOffset > 0)
})

test('what the options allow to be deleted is deleted', async (t) => {
  const everyHour = Array.from({ length: 24 }, (_, hour) => hour)
  const store = await openLog(t, { retention: { ...quick, reservedMs: 1, deleteHours: everyHour } })
  await fillFiles(store, 3)
  await waitFor('the deletion', () => store.stats().minOffset >= 2 * segment)
  ok(store.stats().retention.deletedSegments >= 2)
})

test('a full disk refuses appends with a reason and reads go on', async (t) => {
  const store = await openLog(t, { retention: { spaceIntervalMs: 10 } })
  await store.append({ body: 'before' })
  store.engine.setRetention({ minFreeBytes: Number.MAX_SAFE_INTEGER })
  await waitFor('the refusal', () => store.stats().retention.refusal !== '')
  await rejects(store.append({ body: 'refused' }), { code: 'STORE_NO_SPACE', retryable: true })
  deepEqual(bodies((await store.read()).messages), ['before'])
  store.engine.setRetention({ minFreeBytes: 0 })
  await waitFor('room', () => store.stats().retention.refusal === '')
  equal((await store.append({ body: 'after' })).queueOffset, 1)
})

test('a topic with a limit of its own keeps it over a restart', async (t) => {
  const directory = await temporaryDirectory(t)
  const options = { directory, ...smallFiles, retention: quick }
  {
    await using store = await openStore(options)
    for (let index = 0; index < 10; index++) await store.append({ topic: 'short', body })
    await store.append(numbered(3))
    await store.setTopicRetention('short', { bytes: 250_000 })
    await waitFor('the trim', () => store.engine.bounds(store.engine.topic('short'), 0)!.min === 8)
    equal((await collect(store.scan({ topic: 'short' }))).length, 2)
    equal((await collect(store.scan())).length, 3)
  }
  await using store = await openStore(options)
  deepEqual([...store.topicRetentions()], [['short', { timeMs: 0, bytes: 250_000 }]])
  equal((await collect(store.scan({ topic: 'short' }))).length, 2)
  await store.setTopicRetention('short', {})
  equal(store.topicRetentions().size, 0)
  for (const wrong of [{ timeMs: -1 }, { bytes: 0.5 }, { timeMs: '1' as never }]) {
    await rejects(store.setTopicRetention('short', wrong), { code: 'STORE_INVALID_ARGUMENT' })
  }
  await rejects(store.setTopicRetention('a/b', { bytes: 1 }), { code: 'STORE_INVALID_ARGUMENT' })
})

for (const [name, way] of Object.entries(ways)) {
  test(`a deleted topic begins at offset 0 again, also after a restart (${name})`, async (t) => {
    const directory = await temporaryDirectory(t)
    {
      await using store = await openStore({ directory, ...smallFiles, ...way })
      await store.append(numbered(5).map((message) => ({ ...message, topic: 'gone', keys: 'k' })))
      const kept = await store.append({ body: 'kept' })
      await store.flush()
      const { messages } = await store.read({ topic: 'gone' })
      await store.deleteTopic('gone')
      await store.deleteTopic('never-was')
      deepEqual((await store.read({ topic: 'gone' })).messages, [])
      deepEqual(
        store.stats().queues.map(({ topic }) => topic),
        ['log'],
      )
      equal(bodies([(await store.get(messages[0]!.physicalOffset))!])[0], 'm0')
      equal((await store.queryByKey('k', { topic: 'gone' })).length, 5)
      equal((await store.append({ topic: 'gone', body: 'again' })).queueOffset, 0)
      equal((await store.get(kept.physicalOffset))!.queueOffset, 0)
    }
    await using store = await openStore({ directory, ...smallFiles, ...way })
    deepEqual(bodies((await store.read({ topic: 'gone' })).messages), ['again'])
    deepEqual(bodies((await store.read()).messages), ['kept'])
    await rejects(store.deleteTopic('../up'), { code: 'STORE_INVALID_ARGUMENT' })
  })
}

test('tails of a deleted topic go on with the first message appended afterwards', async (t) => {
  const store = await openLog(t)
  await store.append(numbered(5))
  const waiting = store.tail({ from: 4 })
  equal((await waiting.next()).value!.body.toString(), 'm4')
  const next = waiting.next()
  const busy = store.tail({ from: 0 })
  equal((await busy.next()).value!.body.toString(), 'm0')
  await store.read()
  await store.deleteTopic('log')
  // More than there were: the tail that was not asked meanwhile cannot tell by the queue's end.
  await store.append(numbered(10, 100))
  equal((await next).value!.body.toString(), 'm100')
  equal((await waiting.next()).value!.body.toString(), 'm101')
  const seen: string[] = []
  while (seen.at(-1) !== 'm109') seen.push((await busy.next()).value!.body.toString())
  deepEqual(seen.slice(-10), bodies((await store.read()).messages))
})
