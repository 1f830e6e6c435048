// A worker thread that writes for all others: it has the store, they send it messages and get positions back.
// Run: node examples/store/writer-thread.mjs [DIR]
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { openStore } from 'apogeemq/store'

if (isMainThread) {
  const directory = process.argv[2] ?? './data/writer-thread'
  const writer = new Worker(new URL(import.meta.url), { workerData: directory })
  const answers = new Map()
  writer.on('message', ({ id, queueOffset }) => answers.get(id)(queueOffset))
  const append = (id, body) => {
    writer.postMessage({ id, body })
    return new Promise((resolve) => answers.set(id, resolve))
  }
  const offsets = await Promise.all(['one', 'two', 'three'].map((body, id) => append(id, body)))
  console.log(`on the device: ${offsets.join(', ')}`)
  writer.postMessage({ isLast: true })
  await once(writer, 'exit')

  const store = await openStore({ directory })
  for await (const { body } of store.scan()) console.log(body.toString())
  await store.close()
} else {
  const store = await openStore({ directory: workerData, flush: 'sync' })
  parentPort.on('message', async ({ id, body, isLast }) => {
    if (isLast) {
      await store.close()
      parentPort.close()
      return
    }
    // Waits by itself when the device does not keep up; those that wait share one flush.
    const { queueOffset } = await store.append({ body })
    parentPort.postMessage({ id, queueOffset })
  })
}
