import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { openMessageStore } from '../../lib/store/index.ts'
import { appendBodies, openTestStore, smallStore, temporaryDirectory } from './support/store-fixture.ts'

const sync = { flush: { mode: 'sync' } } as const

test('under sync flush a wait ends only when the bytes are durable', async (t) => {
  const store = await openTestStore(t, sync)
  equal(store.flushMode, 'sync')
  const topic = store.topic('Durable')
  for (let round = 0; round < 50; round++) {
    const { endOffset } = appendBodies(store, topic, ['x'.repeat(500)])
    await store.whenFlushed(endOffset)
    ok(store.watermarks.flushed >= endOffset)
  }
})

test('waiters are called in the order they came, all by one request', async (t) => {
  const store = await openTestStore(t, sync)
  const topic = store.topic('Order')
  const order: number[] = []
  let lastEnd = 0
  const done = new Promise<void>((resolve, reject) => {
    for (let index = 0; index < 300; index++) {
      lastEnd = appendBodies(store, topic, [`${index}`]).endOffset
      store.onFlushed(lastEnd, (error) => {
        if (error !== undefined) reject(error)
        order.push(index)
        if (index === 299) resolve()
      })
    }
  })
  store.requestFlush(lastEnd)
  await done
  deepEqual(
    order,
    Array.from({ length: 300 }, (_, index) => index),
  )
})

test('a callback never runs before onFlushed returned', async (t) => {
  const store = await openTestStore(t, sync)
  const { endOffset } = appendBodies(store, store.topic('Later'), ['x'])
  await store.whenFlushed(endOffset)
  const events: string[] = []
  const called = new Promise<void>((resolve) =>
    store.onFlushed(endOffset, () => {
      events.push('called')
      resolve()
    }),
  )
  events.push('returned')
  await called
  deepEqual(events, ['returned', 'called'])
})

test('callbacks may wait again', async (t) => {
  const store = await openTestStore(t, sync)
  const topic = store.topic('Chain')
  await new Promise<void>((resolve, reject) => {
    const step = (left: number): void => {
      const { endOffset } = appendBodies(store, topic, ['x'])
      store.onFlushed(endOffset, (error) => {
        if (error !== undefined) reject(error)
        else if (left === 0) resolve()
        else step(left - 1)
      })
      store.requestFlush(endOffset)
    }
    step(100)
  })
})

test('under async flush a wait ends too', async (t) => {
  const store = await openTestStore(t, { flush: { mode: 'async', intervalMs: 10, thoroughIntervalMs: 20 } })
  equal(store.flushMode, 'async')
  const { endOffset } = appendBodies(store, store.topic('Async'), ['x'])
  await store.whenFlushed(endOffset)
  ok(store.watermarks.flushed >= endOffset)
})

test('an end behind the log is refused, as is anything that is no offset', async (t) => {
  const store = await openTestStore(t, sync)
  const { endOffset } = appendBodies(store, store.topic('Ends'), ['x'])
  for (const end of [endOffset + 1, -1, 0.5, Number.NaN, 2 ** 53]) {
    await rejects(store.whenFlushed(end), { code: 'STORE_INVALID_ARGUMENT' })
    throws(() => store.onFlushed(end, () => {}), { code: 'STORE_INVALID_ARGUMENT' })
    throws(() => store.requestFlush(end), { code: 'STORE_INVALID_ARGUMENT' })
  }
})

test('closing during a flush settles every waiter, durable or not', async (t) => {
  const store = await openMessageStore(smallStore(await temporaryDirectory(t), sync))
  const topic = store.topic('Closing')
  const waits: Promise<void>[] = []
  for (let round = 0; round < 20; round++) {
    waits.push(store.whenFlushed(appendBodies(store, topic, ['x'.repeat(1000)]).endOffset))
  }
  const { appended } = store.watermarks
  const closed = store.close()
  const settled = await Promise.allSettled(waits)
  await closed
  // Closing flushes what was appended.
  equal(store.watermarks.flushed, appended)
  ok(settled.every((wait) => wait.status === 'fulfilled'))
})
