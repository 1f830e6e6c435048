import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type LogStore, openStore } from '../../lib/store/index.ts'
import { runProgram } from './support/child-program.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

const small = { segmentBytes: 1 << 20, consumeQueueFileBytes: 20_000, indexSlots: 1000, indexItems: 4000 }

const messagesIn = async (directory: string): Promise<number> => {
  await using store = await openStore({ directory, ...small })
  equal(store.recovery.wasClean, true)
  let count = 0
  for await (const { body, queueOffset } of store.scan()) {
    equal(body.toString(), `m${queueOffset % 100}`)
    count++
  }
  return count
}

const startWorker = (directory: string, end: string): Worker =>
  new Worker(new URL('./support/worker-start.mjs', import.meta.url), {
    workerData: { program: new URL('./programs/open-log.ts', import.meta.url).href, args: [directory, end] },
  })

for (const end of ['exit-with-leases-and-tails', 'leave-with-leases', 'close-while-all-is-under-way']) {
  test(`a process that does ${end} ends by itself and loses nothing`, async (t) => {
    const directory = await temporaryDirectory(t)
    const { code, signal, stderr, stdout } = await runProgram(t, 'open-log.ts', [directory, end]).ended
    deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    if (end === 'close-while-all-is-under-way') {
      ok(stdout.includes('durable true 0\n'), stdout)
      ok(stdout.includes('tail ended\n'))
    }
    equal(await messagesIn(directory), 100)
  })

  test(`a worker that does ${end} ends by itself and loses nothing`, async (t) => {
    const directory = await temporaryDirectory(t)
    const [code] = await once(startWorker(directory, end), 'exit')
    equal(code, 0)
    equal(await messagesIn(directory), 100)
  })
}

test('a process that throws within a scan ends with the error', async (t) => {
  const directory = await temporaryDirectory(t)
  const { code, stderr } = await runProgram(t, 'open-log.ts', [directory, 'throw-in-scan']).ended
  equal(code, 1)
  ok(stderr.includes('thrown on purpose'))
  equal(await messagesIn(directory), 100)
})

test('a tail keeps its process alive', async (t) => {
  const program = runProgram(t, 'open-log.ts', [await temporaryDirectory(t), 'follow'])
  await program.printed('followed')
  // Whoever does not wait for anything has ended by the time that another program has come and gone.
  await runProgram(t, 'open-log.ts', [await temporaryDirectory(t), 'leave-with-leases']).ended
  equal(program.child.exitCode, null)
})

test('a worker terminated while it follows a log, with leases, closes it', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let round = 1; round <= 5; round++) {
    const worker = startWorker(directory, 'follow')
    for (let text = ''; text !== 'followed'; ) [text] = await once(worker, 'message')
    await worker.terminate()
    equal(await messagesIn(directory), 100 * round)
  }
})

test('workers have logs of their own at the same time', async (t) => {
  const directories = await Promise.all([1, 2, 3].map(() => temporaryDirectory(t)))
  const workers = directories.map((directory) => startWorker(directory, 'leave-with-leases'))
  for (const [code] of await Promise.all(workers.map((worker) => once(worker, 'exit')))) equal(code, 0)
  for (const directory of directories) equal(await messagesIn(directory), 100)
})

test('every method of a closed log ends with STORE_CLOSED', async (t) => {
  const store = await openStore({ directory: await temporaryDirectory(t), ...small })
  await store.append({ body: 'x' })
  const uses: Record<string, (store: LogStore) => unknown> = {
    append: (log) => log.append({ body: 'late' }),
    read: (log) => log.read(),
    scan: (log) => log.scan(),
    tail: (log) => log.tail(),
    get: (log) => log.get(0),
    lease: (log) => log.lease(0),
    queryByKey: (log) => log.queryByKey('k'),
    offsetAt: (log) => log.offsetAt(0),
    flush: (log) => log.flush(),
    stats: (log) => log.stats(),
    truncateBefore: (log) => log.truncateBefore(0),
    truncateBeforeTime: (log) => log.truncateBefore({ timestampMs: 0 }),
    deleteTopic: (log) => log.deleteTopic('T'),
    setTopicRetention: (log) => log.setTopicRetention('T', {}),
    topicRetentions: (log) => log.topicRetentions(),
    appendNow: (log) => log.appendNow([{ body: 'late' }]),
  }
  const begun = store.scan()
  const check = async () => {
    for (const [name, use] of Object.entries(uses)) {
      await rejects(async () => use(store), { name: 'StoreError', code: 'STORE_CLOSED' }, name)
    }
  }
  const closed = store.close()
  equal(store.close(), closed)
  await check()
  await closed
  await check()
  await rejects(begun.next(), { code: 'STORE_CLOSED' })
  throws(() => store.appendNow([]), { code: 'STORE_CLOSED' })
  const { truncateBeforeTime: _, ...methods } = uses
  const known = [...Object.keys(methods), 'close', 'constructor', 'failure', 'recovery']
  deepEqual(Object.getOwnPropertyNames(Object.getPrototypeOf(store)).sort(), known.sort())
})

test('a scan cut short by a close says so, a tail just ends', async (t) => {
  const store = await openStore({ directory: await temporaryDirectory(t), ...small })
  await store.append(Array.from({ length: 3000 }, () => ({ body: 'x' })))
  const scan = store.scan()
  await scan.next()
  const tail = store.tail({ from: 0 })
  await tail.next()
  await store.close()
  await rejects(
    async () => {
      for await (const message of scan) ok(message)
    },
    { code: 'STORE_CLOSED' },
  )
  for await (const message of tail) ok(message)
})
