import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { openMessageStore } from '../../lib/store/index.ts'
import { runProgram } from './support/child-program.ts'
import { smallStore, temporaryDirectory } from './support/store-fixture.ts'

const messagesIn = async (directory: string, { wasClean }: { wasClean?: boolean } = {}): Promise<number> => {
  await using store = await openMessageStore(smallStore(directory))
  if (wasClean !== undefined) equal(store.recovery.wasClean, wasClean)
  return store.bounds(store.topic('T'), 0)?.max ?? 0
}

for (const end of ['close', 'leave-open', 'leave-closing', 'exit', 'exit-in-listener', 'wait-for-flush']) {
  test(`a process that does ${end} ends by itself and loses nothing`, async (t) => {
    const directory = await temporaryDirectory(t)
    const { code, signal, stderr, stdout } = await runProgram(t, 'open-store.ts', [directory, end]).ended
    deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    ok(stdout.includes('open'))
    if (end === 'wait-for-flush') ok(stdout.includes('flushed'))
    if (end === 'leave-closing') ok(stdout.includes('closed'))
    equal(await messagesIn(directory, { wasClean: true }), 100)
  })
}

test('a process that throws with a store open ends with the error', async (t) => {
  const directory = await temporaryDirectory(t)
  const { code, stderr } = await runProgram(t, 'open-store.ts', [directory, 'throw']).ended
  equal(code, 1)
  ok(stderr.includes('thrown on purpose'))
  equal(await messagesIn(directory, { wasClean: true }), 100)
})

test('a process that exits while it opens a store leaves it usable', async (t) => {
  const directory = await temporaryDirectory(t)
  const { code, signal } = await runProgram(t, 'open-store.ts', [directory, 'exit-while-opening']).ended
  deepEqual({ code, signal }, { code: 0, signal: null })
  equal(await messagesIn(directory), 0)
})

test('a directory in use by another process is locked until that process is gone', async (t) => {
  const directory = await temporaryDirectory(t)
  const program = runProgram(t, 'open-store.ts', [directory, 'stay'])
  await program.printed('open')
  await rejects(openMessageStore(smallStore(directory)), { name: 'StoreError', code: 'STORE_LOCKED', retryable: true })
  program.child.kill('SIGKILL')
  await program.ended
  ok((await messagesIn(directory, { wasClean: false })) >= 100)
})

test('a directory in use by this process is locked too', async (t) => {
  const directory = await temporaryDirectory(t)
  const store = await openMessageStore(smallStore(directory))
  await rejects(openMessageStore(smallStore(directory)), { code: 'STORE_LOCKED' })
  await store.close()
  await (await openMessageStore(smallStore(directory))).close()
})

const startWorker = (directory: string, end: string): Worker =>
  new Worker(new URL('./support/worker-start.mjs', import.meta.url), {
    workerData: { program: new URL('./programs/open-store.ts', import.meta.url).href, args: [directory, end] },
  })

const told = async (worker: Worker, text: string): Promise<void> => {
  for (;;) {
    const [message] = await once(worker, 'message')
    if (message === text) return
  }
}

test('a worker terminated with a store open closes it', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let round = 1; round <= 5; round++) {
    const worker = startWorker(directory, 'stay')
    await told(worker, 'open')
    await worker.terminate()
    ok((await messagesIn(directory, { wasClean: true })) >= 100 * round)
  }
})

test('a worker terminated while it opens a store frees the directory', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let round = 0; round < 5; round++) {
    const worker = startWorker(directory, 'stay-while-opening')
    await told(worker, 'opening')
    await worker.terminate()
    await messagesIn(directory)
  }
})

for (const end of ['leave-open', 'leave-closing', 'exit', 'exit-in-listener', 'wait-for-flush']) {
  test(`a worker that does ${end} ends by itself and loses nothing`, async (t) => {
    const directory = await temporaryDirectory(t)
    const worker = startWorker(directory, end)
    const [code] = await once(worker, 'exit')
    equal(code, 0)
    equal(await messagesIn(directory, { wasClean: true }), 100)
  })
}

test('workers have stores of their own beside the main thread', async (t) => {
  const directories = await Promise.all([temporaryDirectory(t), temporaryDirectory(t), temporaryDirectory(t)])
  await using store = await openMessageStore(smallStore(await temporaryDirectory(t)))
  const workers = directories.map((directory) => startWorker(directory, 'close'))
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  for (const directory of directories) equal(await messagesIn(directory, { wasClean: true }), 100)
  equal(store.watermarks.appended, 0)
})
