import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from '../../lib/store/index.ts'
import { runProgram } from './support/child-program.ts'
import { bodies, collect, numbered, openLog, smallFiles, ways } from './support/log-fixture.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

for (const [name, way] of Object.entries(ways)) {
  test(`a flushed append resolves when the device has it, without an interval (${name})`, async (t) => {
    const store = await openLog(t, way)
    for (let round = 0; round < 10; round++) {
      const appended = store.appendNow(numbered(10, round * 10), { durability: 'flushed' })
      const { flushedOffset, committedOffset, appendedOffset } = await appended.durable.then(() => store.stats())
      ok(flushedOffset >= appended.endOffset)
      ok(appendedOffset >= committedOffset && committedOffset >= flushedOffset)
      const { messages } = await store.read({ from: round * 10 })
      deepEqual(
        bodies(messages),
        numbered(10, round * 10).map(({ body }) => body),
      )
    }
  })

  test(`a kill takes nothing that was flushed, and of the rest what the write path says (${name})`, async (t) => {
    const directory = await temporaryDirectory(t)
    const { signal, stderr } = await runProgram(t, 'append-and-die.ts', [directory, name]).ended
    deepEqual([signal, stderr], ['SIGKILL', ''])
    await using store = await openStore({ directory, ...smallFiles })
    equal(store.recovery.wasClean, false)
    const found = bodies(await collect(store.scan()))
    equal(found[0], 'flushed')
    if (name.endsWith('mapped')) deepEqual(found, ['flushed', 'appended'])
    if (name.endsWith('pool')) deepEqual(found, ['flushed'])
    ok(found.length <= 2)
  })

  test(`an orderly close loses nothing that was appended (${name})`, async (t) => {
    const directory = await temporaryDirectory(t)
    {
      await using store = await openStore({ directory, ...smallFiles, ...way })
      await store.append(numbered(100), { durability: 'appended' })
    }
    await using store = await openStore({ directory, ...smallFiles, ...way })
    equal(store.recovery.wasClean, true)
    equal((await collect(store.scan())).length, 100)
  })
}

test('pool: nothing can be read before it is committed, and reads do not wait for it', async (t) => {
  const store = await openLog(t, ways['async pool'])
  const { physicalOffset } = await store.append({ body: 'pooled', keys: 'k' })
  const { committedOffset, dispatchedOffset, appendedOffset, writePath } = store.stats()
  deepEqual([committedOffset, dispatchedOffset, writePath], [0, 0, 'pool'])
  ok(appendedOffset > 0)
  deepEqual((await store.read()).messages, [])
  deepEqual(await collect(store.scan()), [])
  deepEqual(await store.queryByKey('k'), [])
  deepEqual([await store.get(physicalOffset), store.lease(physicalOffset)], [undefined, undefined])
  const tail = store.tail({ from: 0 })
  const next = tail.next()
  await store.flush()
  equal((await next).value!.body.toString(), 'pooled')
  deepEqual(bodies((await store.read()).messages), ['pooled'])
  equal((await store.queryByKey('k')).length, 1)
  equal((await store.get(physicalOffset))!.body.toString(), 'pooled')
})

test('pool: what its interval committed can be read and is not on the device for that', async (t) => {
  const store = await openLog(t, { ...ways['async pool'], flush: { mode: 'async', intervalMs: 3_600_000 } })
  const { endOffset } = await store.append([{ body: 'pooled' }])
  await store.engine.whenCommitted(endOffset)
  deepEqual([store.stats().committedOffset, store.stats().flushedOffset], [endOffset, 0])
  deepEqual(bodies((await store.read()).messages), ['pooled'])
})

for (const name of ['async mapped', 'async staged']) {
  test(`a read sees what was appended before it, and no device was asked (${name})`, async (t) => {
    const store = await openLog(t, ways[name])
    for (let round = 0; round < 20; round++) {
      await store.append(numbered(10, round * 10))
      const { endOffset } = await store.read({ from: round * 10 })
      equal(endOffset, (round + 1) * 10)
    }
    equal(store.stats().flushedOffset, 0)
  })
}

for (const name of ['sync mapped', 'sync staged']) {
  test(`nothing can be read before it is on the device (${name})`, async (t) => {
    const store = await openLog(t, ways[name])
    const appended = [...store.appendNow(numbered(200), { durability: 'appended' })]
    let readable = 0
    while (readable < appended.length) {
      const { messages } = await store.read({ maxCount: 1000 })
      const { flushedOffset } = store.stats()
      for (const { physicalOffset, sizeBytes } of messages) ok(physicalOffset + sizeBytes <= flushedOffset)
      readable = messages.length
      await new Promise(setImmediate)
    }
    // Nobody had asked for it: what waits for nobody is flushed all the same.
    equal(store.stats().flushedOffset, store.stats().appendedOffset)
  })
}

test('the pool acknowledges what is not written yet: it needs async flush', async (t) => {
  const directory = await temporaryDirectory(t)
  await rejects(openStore({ directory, flush: 'sync', writePath: 'pool' }), { code: 'STORE_INVALID_ARGUMENT' })
})
