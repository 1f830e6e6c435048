// Each worker thread has a store of its own, in a directory of its own. Run: node examples/store/workers.mjs [DIR]
import { once } from 'node:events'
import { join } from 'node:path'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { openStore } from 'apogeemq/store'

const root = process.argv[2] ?? './data/workers'
const directoryOf = (name) => join(root, name)

if (isMainThread) {
  const names = ['red', 'green', 'blue']
  const workers = names.map((name) => new Worker(new URL(import.meta.url), { workerData: name, argv: [root] }))
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  for (const name of names) {
    const store = await openStore({ directory: directoryOf(name) })
    const { messages } = await store.read()
    console.log(`${name}: ${messages.map(({ body }) => body).join(', ')}`)
    await store.close()
  }
} else {
  // Left open on purpose: the end of the thread closes it in order.
  const store = await openStore({ directory: directoryOf(workerData) })
  await store.append([1, 2, 3].map((number) => ({ body: `${workerData} ${number}` })))
}
