// Opens the store in the directory given, appends 100 messages to topic T, then ends as the second argument says.
// Run by end-of-process.test.ts in a process, and as a worker, of its own.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { AppendBatch, type MessageStore, openMessageStore } from '../../../lib/store/index.ts'

const [directory, end] = isMainThread ? process.argv.slice(2) : (workerData as { args: string[] }).args

const tell = (text: string): void => {
  if (isMainThread) process.stdout.write(`${text}\n`)
  else parentPort!.postMessage(text)
}

const append = (store: MessageStore): number => {
  const batch = new AppendBatch(100)
  batch.body = Buffer.alloc(100, 0x61)
  const topic = store.topic('T')
  for (let row = 0; row < 100; row++) batch.add(topic, 0, 0, 0, 0, 1, 0, 0, 4, 1, 0, 100, 0, 0, 1)
  store.append(batch)
  return batch.endOffset
}

const opening = openMessageStore({
  rootDir: directory!,
  segmentBytes: 1 << 20,
  consumeQueueFileBytes: 20_000,
  indexSlots: 1000,
  indexItems: 4000,
  flush: { mode: end === 'wait-for-flush' ? 'sync' : 'async' },
  storeHost: { address: '127.0.0.1', port: 10911 },
})

if (end === 'exit-while-opening') {
  tell('opening')
  process.exit(0)
}
if (end === 'stay-while-opening') {
  tell('opening')
}
const store = await opening
const endOffset = append(store)
store.onArrival(() => {})
store.watch(store.topic('T'), 7, 0)
tell('open')
switch (end) {
  case 'leave-open':
  case 'stay-while-opening':
    break
  case 'close':
    await store.close()
    break
  case 'leave-closing':
    store.close().then(() => tell('closed'))
    break
  case 'wait-for-flush':
    await store.whenFlushed(endOffset)
    tell('flushed')
    break
  case 'exit':
    process.exit(0)
    break
  case 'exit-in-listener':
    store.onFlushed(endOffset, () => process.exit(0))
    store.requestFlush(endOffset)
    break
  case 'throw':
    throw new Error('thrown on purpose')
  case 'stay':
    setInterval(() => append(store), 1)
    break
  default:
    throw new Error(`no such end: ${end}`)
}
