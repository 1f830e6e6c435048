import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type MessageStore, openMessageStore, type StoreOptions } from '../../lib/store/index.ts'
import { appendBodies, smallStore, temporaryDirectory } from './support/store-fixture.ts'

const segmentBytes = 64 << 10

const ways: Record<string, Partial<StoreOptions>> = {
  'mapped, async': {},
  'mapped, sync': { writePath: 'mapped', flush: { mode: 'sync' } },
  'staged, sync': { flush: { mode: 'sync' } },
  'staged and direct, sync': { directIo: true, flush: { mode: 'sync' } },
  'staged, async': { writePath: 'staged', flush: { mode: 'async', intervalMs: 1 } },
  pool: { writePath: 'pool', flush: { mode: 'async', intervalMs: 1 } },
}

const openSmall = async (t: TestContext, way: Partial<StoreOptions> = {}) => {
  const directory = await temporaryDirectory(t)
  const retention = { deleteSegmentIntervalMs: 0, deleteQueueFilesIntervalMs: 0 }
  const store = await openMessageStore(smallStore(directory, { segmentBytes, retention, ...way }))
  return { store, directory }
}

/** Some bodies of each size there is, over three segments. Resolves when all may be copied. */
const fill = async (store: MessageStore): Promise<void> => {
  const topic = store.topic('T')
  for (let size = 0; store.watermarks.appended < 3.5 * segmentBytes; size = (size + 911) % 9000) {
    appendBodies(store, topic, [Buffer.alloc(size, `${size}`)])
  }
  await store.whenFlushed(store.watermarks.appended)
}

const copyFrom = (store: MessageStore, start: number, stepBytes: number): Buffer => {
  const parts: Buffer[] = []
  for (let from = start; ; ) {
    const into = Buffer.alloc(stepBytes)
    const count = store.readLog(from, into, 0, stepBytes)
    if (count === 0) return Buffer.concat(parts)
    equal(Math.floor((from + count - 1) / segmentBytes), Math.floor(from / segmentBytes))
    parts.push(into.subarray(0, count))
    from += count
  }
}

const logBytes = async (directory: string): Promise<Buffer> => {
  const names = (await readdir(join(directory, 'commitlog'))).sort()
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(directory, 'commitlog', name)))))
}

for (const [name, way] of Object.entries(ways)) {
  test(`the log's bytes are read as they stand in its files, across rolls (${name})`, async (t) => {
    const { store, directory } = await openSmall(t, way)
    await using _ = store
    equal(store.replicableEnd, 0)
    await fill(store)
    equal(store.replicableEnd, store.watermarks.appended)
    const files = (await logBytes(directory)).subarray(0, store.replicableEnd)
    for (const stepBytes of [1000, 32 << 10, 1 << 20]) {
      ok(copyFrom(store, 0, stepBytes).equals(files), `${stepBytes} at a time`)
    }
    equal(await store.readLogAhead(0, files.length), true)
    ok(copyFrom(store, segmentBytes + 1, 7777).equals(files.subarray(segmentBytes + 1)), 'from within a record')
  })
}

test('bytes go where they are wanted and nowhere else', async (t) => {
  const { store } = await openSmall(t)
  await using _ = store
  await fill(store)
  const expected = copyFrom(store, 0, 1000).subarray(0, 40)
  const into = Buffer.alloc(100, 0xee)
  equal(store.readLog(0, into, 30, 40), 40)
  deepEqual(into, Buffer.concat([Buffer.alloc(30, 0xee), expected, Buffer.alloc(30, 0xee)]))
  equal(store.readLog(0, into, 90, 1000), 10)
  equal(store.readLog(0, into, 100, 1000), 0)
  equal(store.readLog(0, into, 0, 0), 0)
})

test('at the end there is nothing, and beyond it and below the first byte an error', async (t) => {
  const { store } = await openSmall(t)
  await using _ = store
  await fill(store)
  const into = Buffer.alloc(16)
  const end = store.replicableEnd
  equal(store.readLog(end, into, 0, 16), 0)
  throws(() => store.readLog(end + 1, into, 0, 16), { name: 'StoreError', code: 'STORE_INVALID_ARGUMENT' })
  equal(await store.truncateBefore(2 * segmentBytes), 2)
  const below = { name: 'StoreError', code: 'STORE_NOT_FOUND', retryable: false, message: /the log begins at 131072/ }
  throws(() => store.readLog(2 * segmentBytes - 1, into, 0, 16), below)
  equal(store.readLog(2 * segmentBytes, into, 0, 16), 16)
  equal(await store.readLogAhead(0, 16), true)
  equal(await store.readLogAhead(end + 1, 16), true)
})

test('under sync nothing may be copied before it is on the device', async (t) => {
  const { store } = await openSmall(t, { flush: { mode: 'sync' } })
  await using _ = store
  await fill(store)
  const end = store.replicableEnd
  const { endOffset } = appendBodies(store, store.topic('T'), ['new'])
  const copied = copyFrom(store, end, 1000).length
  ok(end + copied <= store.watermarks.flushed)
  await store.whenFlushed(endOffset)
  equal(store.replicableEnd, endOffset)
  equal(copyFrom(store, end, 1000).length, endOffset - end)
})

test('what is no offset, buffer or count is refused', async (t) => {
  const { store } = await openSmall(t)
  await using _ = store
  await fill(store)
  const into = Buffer.alloc(16)
  const refused = { name: 'StoreError', code: 'STORE_INVALID_ARGUMENT' }
  const noNumbers = [-1, 0.5, Number.NaN, 2 ** 53, '0', undefined] as number[]
  for (const value of noNumbers) {
    throws(() => store.readLog(value, into, 0, 16), refused, `from ${value}`)
    throws(() => store.readLog(0, into, value, 16), refused, `start ${value}`)
    throws(() => store.readLog(0, into, 0, value), refused, `bytes ${value}`)
    await rejects(store.readLogAhead(value, 16), refused, `ahead from ${value}`)
    await rejects(store.readLogAhead(0, value), refused, `ahead bytes ${value}`)
  }
  throws(() => store.readLog(0, into, 17, 16), refused)
  throws(() => store.readLog(0, 'text' as unknown as Buffer, 0, 16), refused)
  throws(() => store.readLog(0, new Float64Array(2) as unknown as Buffer, 0, 16), refused)
})

test('more reads of the log than may wait are refused', async (t) => {
  const { store } = await openSmall(t)
  await using _ = store
  await fill(store)
  const ended = await Promise.all(Array.from({ length: 3000 }, () => store.readLogAhead(0, 1 << 20)))
  equal(ended[0], true)
  ok(ended.filter((wasRead) => wasRead).length >= 1024)
})

test('a closed store reads nothing and still tells where its log ended', async (t) => {
  const { store } = await openSmall(t)
  await fill(store)
  const end = store.watermarks.appended
  await store.close()
  throws(() => store.readLog(0, Buffer.alloc(1), 0, 1), { code: 'STORE_CLOSED' })
  await rejects(store.readLogAhead(0, 1), { code: 'STORE_CLOSED' })
  equal(store.replicableEnd, end)
})

test('damage below the recovery point is told once when it is read ahead to be copied', async (t) => {
  const { store, directory } = await openSmall(t)
  await fill(store)
  const end = store.watermarks.appended
  await store.close()
  const file = join(directory, 'commitlog', '0'.repeat(20))
  const bytes = await readFile(file)
  const [first, second] = [0, bytes.readInt32BE(0)]
  const third = second + bytes.readInt32BE(second)
  bytes[third - 40]! ^= 1
  await writeFile(file, bytes)
  await using again = await openMessageStore(smallStore(directory, { segmentBytes }))
  equal(again.recovery.damagedRanges, 0)
  deepEqual(again.takeLogDamage(), [])
  for (let from = first; from < end; from += 10_000) equal(await again.readLogAhead(from, 10_000), true)
  const [found, ...others] = again.takeLogDamage()
  deepEqual([found?.fromOffset, found?.toOffset, others], [second, third, []])
  ok(found!.reason !== '')
  equal(await again.readLogAhead(0, end), true)
  deepEqual(again.takeLogDamage(), [])
  match(await readFile(join(directory, 'quarantine.json'), 'utf8'), new RegExp(`"from": ${second}, "to": ${third},`))
})
