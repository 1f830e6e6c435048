import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { type NewMessage, openStore } from '../../lib/store/index.ts'
import { bodies, collect, numbered, openLog, smallFiles } from './support/log-fixture.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

test('one message comes back as it was appended', async (t) => {
  const store = await openLog(t)
  const position = await store.append({
    body: 'hello, wörld',
    tag: 'greeting',
    keys: ['a-1', 'b-2'],
    properties: { colour: 'grün', __proto__x: 'y' },
    flag: -7,
    bornTimestampMs: 1_700_000_000_123,
  })
  const message = await store.get(position.physicalOffset)
  deepEqual(message, {
    topic: 'log',
    queueId: 0,
    ...position,
    bornTimestampMs: 1_700_000_000_123,
    body: Buffer.from('hello, wörld'),
    tag: 'greeting',
    keys: ['a-1', 'b-2'],
    properties: { colour: 'grün', __proto__x: 'y' },
    flag: -7,
    sysFlag: 0,
  })
  const { messages } = await store.read()
  deepEqual(messages, [message])
})

test('several messages are appended in order and give their positions at once', async (t) => {
  const store = await openLog(t)
  const appended = store.appendNow([
    { body: 'a' },
    { body: Buffer.from('bb') },
    { body: new Uint8Array([99]), topic: 'other', queueId: 3 },
    { body: '' },
  ])
  const positions = [...appended]
  deepEqual(
    positions.map(({ queueOffset }) => queueOffset),
    [0, 1, 0, 2],
  )
  for (let index = 1; index < positions.length; index++) {
    const before = positions[index - 1]!
    equal(positions[index]!.physicalOffset, before.physicalOffset + before.sizeBytes)
  }
  deepEqual(appended.at(-1), positions[3])
  deepEqual([appended.at(4), appended.at(-5), appended.at(0.5)], [undefined, undefined, undefined])
  equal(appended.endOffset, positions[3]!.physicalOffset + positions[3]!.sizeBytes)
  await appended.durable
  deepEqual(bodies((await store.read()).messages), ['a', 'bb', ''])
  deepEqual(bodies((await store.read({ topic: 'other', queueId: 3 })).messages), ['c'])
  const none = await store.append([])
  deepEqual([none.length, none.endOffset, [...none]], [0, -1, []])
})

test('an append of which one message is refused appends none of them', async (t) => {
  const store = await openLog(t, { maxBodyBytes: 100 })
  const wrong: Record<string, unknown> = {
    body: { body: 1 },
    absent: undefined,
    queueId: { body: '', queueId: -1 },
    flag: { body: '', flag: 2 ** 31 },
    bornTimestampMs: { body: '', bornTimestampMs: Number.NaN },
    topic: { body: '', topic: '../up' },
    tag: { body: '', tag: '' },
    key: { body: '', keys: 'a b' },
    name: { body: '', properties: { '': 'x' } },
    value: { body: '', properties: { x: '' } },
    separator: { body: '', properties: { x: 'a\u0002b' } },
    reserved: { body: '', properties: { TAGS: 'x' } },
  }
  for (const [name, message] of Object.entries(wrong)) {
    const append = store.append([{ body: 'good' }, message as NewMessage])
    await rejects(append, { name: 'StoreError', code: 'STORE_INVALID_ARGUMENT', retryable: false }, name)
    throws(() => store.appendNow([message as NewMessage]), { code: 'STORE_INVALID_ARGUMENT' }, name)
  }
  const tooLarge: NewMessage[] = [{ body: 'x'.repeat(101) }, { body: '', properties: { x: 'y'.repeat(32_768) } }]
  for (const message of tooLarge) {
    await rejects(store.append([{ body: 'good' }, message]), { code: 'STORE_TOO_LARGE', message: /^message 1: / })
  }
  const overOneFile = Array.from({ length: 12_000 }, () => ({ body: 'x'.repeat(80) }))
  await rejects(store.append(overOneFile), { code: 'STORE_TOO_LARGE' })
  await rejects(store.append(new Array(70_000).fill({ body: '' })), { code: 'STORE_TOO_LARGE' })
  await rejects(store.append({ body: '' }, { durability: 'saved' as 'flushed' }), { code: 'STORE_INVALID_ARGUMENT' })
  equal(store.stats().appendedOffset, 0)
  equal((await store.append({ body: 'after' })).queueOffset, 0)
})

test('an append waits for the device under sync flush, and under async flush when it is asked to', async (t) => {
  const sync = await openLog(t, { flush: 'sync' })
  const [one, two] = await Promise.all([sync.append({ body: 'one' }), sync.append([{ body: 'two' }])])
  equal(two.at(0)!.queueOffset, one.queueOffset + 1)
  equal(sync.stats().flushedOffset, two.endOffset)
  const async = await openLog(t, { flush: { mode: 'async', intervalMs: 3_600_000 } })
  const unflushed = await async.append([{ body: 'one' }])
  equal(async.stats().flushedOffset, 0)
  const flushed = await async.append([{ body: 'two' }], { durability: 'flushed' })
  ok(flushed.endOffset > unflushed.endOffset)
  equal(async.stats().flushedOffset, flushed.endOffset)
  const last = await async.append([{ body: 'three' }])
  await async.flush()
  equal(async.stats().flushedOffset, last.endOffset)
})

test('a read sees everything appended before it, in steps of the asked size', async (t) => {
  const store = await openLog(t)
  for (let round = 0; round < 20; round++) {
    await store.append(numbered(50, round * 50))
    const { messages, nextOffset, endOffset } = await store.read({ from: round * 50, maxCount: 100 })
    deepEqual(bodies(messages), bodies((await collect(store.scan({ from: round * 50 }))).slice(0, messages.length)))
    ok(messages.length > 0 && nextOffset <= endOffset)
    const { messages: last } = await store.read({ from: round * 50 + 49 })
    deepEqual(bodies(last), [`m${round * 50 + 49}`])
  }
  const first = await store.read({ maxCount: 3 })
  deepEqual([bodies(first.messages), first.nextOffset, first.minOffset], [['m0', 'm1', 'm2'], 3, 0])
  equal((await store.read({ maxBytes: 1 })).messages.length, 1)
  const end = await store.read({ from: 1000 })
  deepEqual(end, { messages: [], nextOffset: 1000, minOffset: 0, endOffset: 1000 })
  deepEqual((await store.read({ topic: 'unknown' })).messages, [])
})

test('a message larger than the bytes of a read is read alone', async (t) => {
  const store = await openLog(t)
  await store.append([{ body: 'a' }, { body: Buffer.alloc(700_000, 'x') }, { body: 'b' }])
  deepEqual(
    (await collect(store.scan())).map(({ body }) => body.length),
    [1, 700_000, 1],
  )
})

test('tags select messages exactly, also among equal hashes', async (t) => {
  const store = await openLog(t)
  // "Aa" and "BB" have the same hash in Java.
  await store.append([...['Aa', 'BB', 'Cc', 'Aa'].map((tag, index) => ({ body: `${index}`, tag })), { body: 'none' }])
  deepEqual(bodies((await store.read({ tags: 'Aa' })).messages), ['0', '3'])
  deepEqual(bodies(await collect(store.scan({ tags: ['BB', 'Cc'] }))), ['1', '2'])
  const nothing = await store.read({ tags: 'zz' })
  deepEqual([nothing.messages, nothing.nextOffset], [[], 5])
  for (const tags of ['', [], [1 as unknown as string]]) {
    await rejects(store.read({ tags }), { code: 'STORE_INVALID_ARGUMENT' })
  }
})

test('a scan gives the part of a queue between two offsets, and no more than there was when it began', async (t) => {
  const store = await openLog(t)
  await store.append(numbered(3000))
  const some = await collect(store.scan({ from: 1500, to: 1503 }))
  deepEqual(bodies(some), ['m1500', 'm1501', 'm1502'])
  let count = 0
  for await (const { queueOffset } of store.scan()) {
    equal(queueOffset, count++)
    if (count % 1000 === 0) await store.append(numbered(10))
  }
  equal(count, 3000)
  equal((await collect(store.scan({ topic: 'unknown' }))).length, 0)
})

test('a tail gives what is there from an offset on and then what comes, until its signal aborts', async (t) => {
  const store = await openLog(t)
  await store.append(numbered(5))
  const ending = new AbortController()
  const seen: string[] = []
  for await (const { body } of store.tail({ from: 3, signal: ending.signal })) {
    seen.push(body.toString())
    if (seen.length === 2) await store.append({ body: 'late' })
    if (seen.length === 3) {
      setImmediate(() => store.append(numbered(2, 100)))
    }
    if (seen.length === 5) setImmediate(() => ending.abort())
  }
  deepEqual(seen, ['m3', 'm4', 'late', 'm100', 'm101'])
  deepEqual(await collect(store.tail({ from: 0, signal: ending.signal })), [])
})

test('a tail without an offset begins with the first message appended after the call', async (t) => {
  const store = await openLog(t)
  store.appendNow(numbered(100))
  const tails = [store.tail(), store.tail()]
  store.appendNow(numbered(1, 100))
  for (const tail of tails) equal((await tail.next()).value?.body.toString(), 'm100')
  const waiting = tails.map((tail) => tail.next())
  await store.append({ body: 'more' })
  for (const next of waiting) equal((await next).value?.body.toString(), 'more')
})

test('the store knows messages by key, newest first, and compares keys and topics', async (t) => {
  const store = await openLog(t)
  const keyed = (body: string, keys: string | string[], topic?: string) => ({ body, keys, topic })
  await store.append([keyed('1', 'order-1'), keyed('2', ['x', 'order-1']), keyed('3', 'order-1', 'other')])
  await store.append([keyed('4', 'Aa'), keyed('5', 'BB'), keyed('6', 'Aa')])
  deepEqual(bodies(await store.queryByKey('order-1')), ['2', '1'])
  deepEqual(bodies(await store.queryByKey('order-1', { topic: 'other' })), ['3'])
  deepEqual(bodies(await store.queryByKey('order-1', { max: 1 })), ['2'])
  deepEqual(bodies(await store.queryByKey('Aa', { max: 2 })), ['6', '4'])
  deepEqual(await store.queryByKey('order-1', { to: 1 }), [])
  deepEqual(await store.queryByKey('unknown'), [])
})

test('offsetAt gives the first message stored at or after a time', async (t) => {
  const store = await openLog(t)
  const positions = [...(await store.append(numbered(10)))]
  const [first, last] = [positions[0]!.storeTimestampMs, positions[9]!.storeTimestampMs]
  equal(await store.offsetAt(first), 0)
  equal(await store.offsetAt(0), 0)
  equal(await store.offsetAt(last + 1), 10)
  equal(await store.offsetAt(0, { topic: 'unknown' }), 0)
})

test('get gives nothing where no record starts', async (t) => {
  const store = await openLog(t)
  const { physicalOffset } = await store.append({ body: 'x' })
  equal(await store.get(physicalOffset + 1), undefined)
  equal(await store.get(1 << 30), undefined)
  await rejects(store.get(-1), { code: 'STORE_INVALID_ARGUMENT' })
})

test('stats say where the store stands', async (t) => {
  const store = await openLog(t, { topic: 'events', queueId: 2, flush: 'sync' })
  const before = store.stats()
  deepEqual([before.logBytes, before.logFiles, before.queues, before.earliestStoreTimestampMs], [0, 0, [], undefined])
  const body = Buffer.alloc(1000)
  for (let round = 0; round < 30; round++) await store.append(Array.from({ length: 50 }, () => ({ body })))
  await store.read({ from: 1499 })
  const { directory, earliestStoreTimestampMs, retention, ...stats } = store.stats()
  ok(directory !== '' && earliestStoreTimestampMs! > 1_700_000_000_000)
  deepEqual([retention.refusal, retention.deletedSegments], ['', 0])
  deepEqual(stats, {
    flush: 'sync',
    writePath: 'staged',
    appendedOffset: stats.appendedOffset,
    committedOffset: stats.appendedOffset,
    flushedOffset: stats.appendedOffset,
    dispatchedOffset: stats.appendedOffset,
    minOffset: 0,
    logBytes: stats.appendedOffset,
    logFiles: 2,
    segmentBytes: 1 << 20,
    queues: [{ topic: 'events', queueId: 2, minOffset: 0, endOffset: 1500 }],
    leases: 0,
    failure: undefined,
  })
})

test('every wrong option is refused by name, before anything is created', async (t) => {
  const directory = `${await temporaryDirectory(t)}/store`
  const wrong: Record<string, unknown> = {
    directory: { directory: '' },
    segmentBtyes: { segmentBtyes: 1 },
    flush: { flush: 'always' },
    'flush.intervalMs': { flush: { mode: 'async', intervalMs: 0 } },
    intervalMS: { flush: { mode: 'async', intervalMS: 1 } },
    topic: { topic: '' },
    queueId: { queueId: 1.5 },
    segmentBytes: { segmentBytes: 1 },
    maxBodyBytes: { maxBodyBytes: 0 },
    'storeHost.address': { storeHost: { address: 'localhost', port: 1 } },
  }
  for (const [name, options] of Object.entries(wrong)) {
    await rejects(openStore({ directory, ...(options as object) }), (error: Error & { code: string }) => {
      equal(error.code, 'STORE_INVALID_ARGUMENT')
      ok(error.message.includes(name), `${name}: ${error.message}`)
      return true
    })
  }
  await rejects(openStore(undefined as never), { code: 'STORE_INVALID_ARGUMENT' })
})

test('what was appended is there when the directory is opened again', async (t) => {
  const directory = await temporaryDirectory(t)
  {
    await using store = await openStore({ directory, ...smallFiles })
    await store.append(numbered(100))
    await rejects(openStore({ directory, ...smallFiles }), { code: 'STORE_LOCKED', retryable: true })
  }
  await using again = await openStore({ directory, ...smallFiles })
  equal(again.recovery.wasClean, true)
  equal((await again.append({ body: 'next' })).queueOffset, 100)
  equal((await collect(again.scan())).length, 101)
})
