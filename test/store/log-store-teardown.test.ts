import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type LogStore, openStore } from '../../lib/store/index.ts'
import { runProgram } from './support/child-program.ts'
import { smallFiles } from './support/log-fixture.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

const messagesIn = async (directory: string): Promise<number> => {
  await using store = await openStore({ directory, ...smallFiles })
  equal(store.recovery.wasClean, true)
  let count = 0
  for await (const { body, queueOffset } of store.scan()) {
    equal(body.toString(), `m${queueOffset % 100}`)
    count++
  }
  return count
}

/** What was appended beyond the 100. */
const moreIn = async (directory: string): Promise<number> => {
  await using store = await openStore({ directory, ...smallFiles })
  return store.stats().queues.find(({ queueId }) => queueId === 1)?.endOffset ?? 0
}

const ways = [
  ['mapped', 'async'],
  ['staged', 'sync'],
  ['pool', 'async'],
] as const
const defaultWay = ['staged', 'sync'] as const

const startWorker = (directory: string, end: string, way: readonly string[] = defaultWay): Worker =>
  new Worker(new URL('./support/worker-start.mjs', import.meta.url), {
    workerData: { program: new URL('./programs/open-log.ts', import.meta.url).href, args: [directory, end, ...way] },
  })

const startProgram = (t: TestContext, directory: string, end: string, way: readonly string[] = defaultWay) =>
  runProgram(t, 'open-log.ts', [directory, end, ...way])

const leaving = [
  'exit-with-leases-and-tails',
  'exit-without-waiting',
  'exit-while-appends-wait',
  'leave-with-leases',
  'close-while-all-is-under-way',
  'close-while-appends-wait',
]

for (const way of ways) {
  const name = way.join(' ')
  for (const end of leaving) {
    test(`a process that does ${end} ends by itself and loses nothing (${name})`, async (t) => {
      const directory = await temporaryDirectory(t)
      const { code, signal, stderr, stdout } = await startProgram(t, directory, end, way).ended
      deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
      equal(await messagesIn(directory), 100)
      if (end === 'close-while-all-is-under-way') {
        ok(stdout.includes('durable true 0\n'), stdout)
        ok(stdout.includes('tail ended\n'))
      }
      if (end === 'close-while-appends-wait') {
        const ends = /^ended (.*)$/m.exec(stdout)![1]!.split(' ')
        equal(ends.length, 30)
        equal(await moreIn(directory), ends.filter((one) => one === 'OK').length)
        // Who came later was not served earlier.
        deepEqual(ends, [...ends].sort())
      }
    })

    test(`a worker that does ${end} ends by itself and loses nothing (${name})`, async (t) => {
      const directory = await temporaryDirectory(t)
      const [code] = await once(startWorker(directory, end, way), 'exit')
      equal(code, 0)
      equal(await messagesIn(directory), 100)
    })
  }

  test(`a worker terminated while it follows a log, with leases, closes it (${name})`, async (t) => {
    const directory = await temporaryDirectory(t)
    for (let round = 1; round <= 3; round++) {
      const worker = startWorker(directory, 'follow', way)
      for (let text = ''; text !== 'followed'; ) [text] = await once(worker, 'message')
      await worker.terminate()
      equal(await messagesIn(directory), 100 * round)
    }
  })

  test(`a worker terminated while appends wait for room closes its log (${name})`, async (t) => {
    const directory = await temporaryDirectory(t)
    for (let round = 1; round <= 3; round++) {
      const worker = startWorker(directory, 'append-on-and-on', way)
      for (let text = ''; text !== 'appending'; ) [text] = await once(worker, 'message')
      await worker.terminate()
      equal(await messagesIn(directory), 100 * round)
    }
  })

  test(`closes at any time, and twice, end every append with an answer (${name})`, async (t) => {
    const [writePath, flush] = way
    const directory = await temporaryDirectory(t)
    let answered = 0
    for (let turns = 0; turns < 12; turns++) {
      const store = await openStore({ directory, ...smallFiles, stagingBytes: 65_536, writePath, flush })
      const appends = Array.from({ length: 20 }, () => store.append({ body: Buffer.alloc(10_000), queueId: 1 }))
      const flushed = store.flush().catch((error) => error.code)
      const ended = Promise.allSettled(appends)
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
      const closed = store.close()
      equal(store.close(), closed)
      await closed
      ok([undefined, 'STORE_CLOSED'].includes(await flushed))
      for (const outcome of await ended) {
        if (outcome.status === 'fulfilled') answered++
        else equal(outcome.reason.code, 'STORE_CLOSED')
      }
    }
    // One that was waiting for the device when the store closed may be stored all the same.
    const stored = await moreIn(directory)
    ok(flush === 'sync' ? stored >= answered && stored <= 240 : stored === answered, `${stored} of ${answered}`)
  })
}

test('a process that throws within a scan ends with the error', async (t) => {
  const directory = await temporaryDirectory(t)
  const { code, stderr } = await startProgram(t, directory, 'throw-in-scan').ended
  equal(code, 1)
  ok(stderr.includes('thrown on purpose'))
  equal(await messagesIn(directory), 100)
})

test('a tail keeps its process alive', async (t) => {
  const program = startProgram(t, await temporaryDirectory(t), 'follow')
  await program.printed('followed')
  // Whoever does not wait for anything has ended by the time that another program has come and gone.
  await startProgram(t, await temporaryDirectory(t), 'leave-with-leases').ended
  equal(program.child.exitCode, null)
})

test('workers have logs of their own at the same time', async (t) => {
  const directories = await Promise.all([1, 2, 3].map(() => temporaryDirectory(t)))
  const workers = directories.map((directory) => startWorker(directory, 'leave-with-leases'))
  for (const [code] of await Promise.all(workers.map((worker) => once(worker, 'exit')))) equal(code, 0)
  for (const directory of directories) equal(await messagesIn(directory), 100)
})

test('every method of a closed log ends with STORE_CLOSED', async (t) => {
  const store = await openStore({ directory: await temporaryDirectory(t), ...smallFiles })
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
  const store = await openStore({ directory: await temporaryDirectory(t), ...smallFiles })
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
