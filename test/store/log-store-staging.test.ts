import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AppendBatch,
  AppendStatus,
  type LogStoreOptions,
  type MessageStore,
  openStore,
  StoreError,
} from '../../lib/store/index.ts'
import { LogStore } from '../../lib/store/log-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { bodies, collect, openLog, smallFiles, ways } from './support/log-fixture.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

/** Two messages of it do not fit into the memory of {@link tight}. */
const large = 40_000
const tight = { stagingBytes: 65_536 }
const stagedWays = Object.entries(ways).filter(([name]) => !name.endsWith('mapped'))

/** Appends until there is no room; gives how many there was room for. */
const appendUntilFull = (store: LogStore): number => {
  for (let count = 0; ; count++) {
    try {
      store.appendNow([{ body: Buffer.alloc(large, count) }], { durability: 'appended' })
    } catch (error) {
      ok(error instanceof StoreError)
      deepEqual([error.code, error.retryable], ['STORE_BUSY', true])
      return count
    }
  }
}

for (const [name, way] of stagedWays) {
  test(`appendNow throws while the memory is full, append waits for room in turn (${name})`, async (t) => {
    const store = await openLog(t, { ...way, ...tight })
    const count = appendUntilFull(store)
    equal(store.failure, undefined)
    const { queueOffset } = await store.append({ body: Buffer.alloc(large, count) }, { durability: 'appended' })
    equal(queueOffset, count, 'what was refused left no trace')
    const last = await store.append({ body: 'last' }, { durability: 'flushed' })
    equal(last.queueOffset, count + 1)
    const all = await collect(store.scan())
    deepEqual(
      all.slice(0, -1).map(({ body }) => [body.length, body[0]]),
      Array.from({ length: count + 1 }, (_, index) => [large, index & 0xff]),
    )
  })

  test(`many appends at once stand in the log in the order of the calls (${name})`, async (t) => {
    const store = await openLog(t, { ...way, ...tight })
    const filler = 'x'.repeat(10_000)
    const appends = Array.from({ length: 300 }, (_, index) =>
      index % 3 === 0
        ? store.append([{ body: `${index} ${filler}` }, { body: `${index} ${filler}` }]).then(({ length }) => length)
        : store.append({ body: `${index} ${filler}` }).then(() => 1),
    )
    const lengths = await Promise.all(appends)
    await store.flush()
    const numbers = (await collect(store.scan())).map(({ body }) => Number.parseInt(body.toString(), 10))
    deepEqual(
      numbers,
      lengths.flatMap((length, index) => new Array<number>(length).fill(index)),
    )
  })
}

test('a batch that can never fit into the memory is too large, and says what it is measured against', async (t) => {
  const store = await openLog(t, { flush: 'sync', ...tight })
  const batch = [{ body: Buffer.alloc(large) }, { body: Buffer.alloc(large) }]
  await rejects(store.append(batch), { code: 'STORE_TOO_LARGE', message: /stagingBytes/ })
  equal(store.stats().appendedOffset, 0)
})

test('a store that may wait on its thread finds room', async (t) => {
  const store = await openLog(t, { flush: 'sync', ...tight, stagingWaitMs: 60_000 })
  for (let count = 0; count < 20; count++) store.appendNow([{ body: Buffer.alloc(large, count) }])
  await store.flush()
  equal((await collect(store.scan())).length, 20)
})

test('a close ends the appends that wait for room; none of them is in the log', async (t) => {
  const directory = await temporaryDirectory(t)
  const options: LogStoreOptions = { directory, ...smallFiles, ...tight, flush: 'sync' }
  const store = await openStore(options)
  const count = appendUntilFull(store)
  const waiting = Array.from({ length: 10 }, () => store.append({ body: 'late' }))
  const ended = Promise.allSettled(waiting)
  await Promise.all([store.close(), store.close()])
  let late = 0
  for (const outcome of await ended) {
    if (outcome.status === 'fulfilled') late++
    else equal(outcome.reason.code, 'STORE_CLOSED')
  }
  await using again = await openStore(options)
  equal(again.recovery.wasClean, true)
  const all = bodies(await collect(again.scan()))
  deepEqual([all.length, all.slice(count)], [count + late, new Array(late).fill('late')])
})

/** A store on an engine that has room when the test says so. */
const scriptedStore = () => {
  const clock = new ManualClock()
  const script = { room: 0, appended: [] as string[], attempts: 0, committed: 0, failure: undefined as unknown }
  const progress: { end: number; resolve: () => void; reject: (error: unknown) => void }[] = []
  const engine: Partial<MessageStore> = {
    flushMode: 'async',
    topic: () => 0 as ReturnType<MessageStore['topic']>,
    get watermarks() {
      return { appended: 1000, committed: script.committed, flushed: 0, dispatched: 0 }
    },
    append: (batch: AppendBatch) => {
      script.attempts++
      batch.failAll(script.room >= batch.count ? AppendStatus.OK : AppendStatus.BUSY)
      if (script.room < batch.count) return
      script.room -= batch.count
      script.appended.push(batch.body.subarray(0, 1).toString())
    },
    whenCommitted: (end) => {
      ok(end <= engine.watermarks!.appended)
      return new Promise((resolve, reject) => progress.push({ end, resolve, reject }))
    },
    close: async () => {
      for (const { reject } of progress) reject(new StoreError('STORE_CLOSED', 'closed'))
    },
  }
  const makeRoom = async (room: number): Promise<void> => {
    script.room = room
    script.committed++
    for (const waiter of progress.splice(0)) waiter.resolve()
    await new Promise(setImmediate)
  }
  const store = new LogStore(engine as MessageStore, { directory: 'd', writePath: 'pool' }, clock)
  return { store, script, progress, makeRoom, clock }
}

test('an append that waits has copied its messages, and nobody overtakes it', async () => {
  const { store, script, progress, makeRoom } = scriptedStore()
  const body = Buffer.from('1')
  const properties: Record<string, string> = { a: 'b' }
  const first = store.append([{ body, properties }, { body }])
  body.write('x')
  properties.a = ''
  const second = store.append({ body: '2' })
  throws(() => store.appendNow([{ body: '3' }]), { code: 'STORE_BUSY' })
  await rejects(store.append({ body: '4' }, { roomTimeoutMs: 0 }), { code: 'STORE_BUSY' })
  await rejects(store.append({ body: '5', queueId: -1 }), { code: 'STORE_INVALID_ARGUMENT' })
  await rejects(store.append({ body: '6' }, { roomTimeoutMs: -1 }), { code: 'STORE_INVALID_ARGUMENT' })
  equal(store.appendNow([]).length, 0)
  deepEqual(
    progress.map(({ end }) => end),
    [1],
    'all wait for the same thing',
  )
  await makeRoom(1)
  deepEqual(script.appended, [], 'the second would fit')
  await makeRoom(4)
  await Promise.all([first, second])
  deepEqual(script.appended, ['1', '2'])
  equal(store.appendNow([{ body: '7' }], { durability: 'appended' }).length, 1)
  deepEqual(script.appended, ['1', '2', '7'])
})

test('an append waits for room as long as it may', async () => {
  const { store, script, makeRoom, clock } = scriptedStore()
  const short = store.append({ body: '1' }, { roomTimeoutMs: 100 })
  const long = store.append({ body: '2' })
  clock.advance(99)
  await makeRoom(0)
  clock.advance(1)
  await rejects(short, { code: 'STORE_BUSY', retryable: true })
  await makeRoom(5)
  await long
  deepEqual(script.appended, ['2'])
  equal(clock.timers, 0)
})

test('an append waits for room also when all before it is committed and its memory still held', async () => {
  const { store, script, progress, makeRoom, clock } = scriptedStore()
  script.committed = 1000
  const waiting = store.append({ body: '1' })
  deepEqual([progress.length, clock.timers], [0, 1], 'nothing more will be committed: asked again later')
  clock.advance(1)
  await new Promise(setImmediate)
  deepEqual([script.attempts, clock.timers], [3, 1])
  script.room = 1
  clock.advance(1)
  await waiting
  await makeRoom(0)
  const closing = store.append({ body: '2' })
  const ended = rejects(closing, { code: 'STORE_CLOSED' })
  await store.close()
  await ended
  const { attempts } = script
  clock.advance(1)
  await new Promise(setImmediate)
  deepEqual([script.appended, script.attempts, clock.timers], [['1'], attempts, 0])
})

test('appends that wait end with the reason when the store fails, and go on with the next when one is refused', async () => {
  const { store, script, progress, makeRoom } = scriptedStore()
  const reason = new StoreError('STORE_READ_ONLY', 'the store is read-only: EIO')
  const failing = [store.append({ body: '1' }), store.append({ body: '2' })]
  progress.splice(0)[0]!.reject(reason)
  for (const append of failing) await rejects(append, (error) => error === reason)
  const engine = store.engine as { append: MessageStore['append'] }
  const waiting = [store.append({ body: '3' }), store.append({ body: '4' })]
  const refused = rejects(waiting[0]!, { code: 'STORE_NO_SPACE' })
  const append = engine.append
  engine.append = (batch) => {
    batch.failAll(AppendStatus.NO_SPACE)
    engine.append = append
  }
  await makeRoom(1)
  await refused
  await waiting[1]
  deepEqual(script.appended, ['4'])
  const closing = store.append({ body: '5' })
  const ended = rejects(closing, { code: 'STORE_CLOSED' })
  await store.close()
  await ended
})
