// Opens the store in the directory given, with write path and flush mode of the next two arguments, and appends until it
// is killed. Message N carries the number N, from that of the fourth argument on, and goes to queue N % 3. Prints
// `acknowledged N` when all messages below N are acknowledged and `written N` when all below N were dispatched. Run by
// test/crash/kill-store.test.ts.
import { writeSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { AppendBatch, AppendStatus, openMessageStore, type WritePath } from '../../../lib/store/index.ts'

const [rootDir, writePath, mode, first] = process.argv.slice(2)
const HEADER_BYTES = 16
const MOST_BODY_BYTES = 3_000
const QUEUES = 3

const store = await openMessageStore({
  rootDir: rootDir!,
  segmentBytes: 1 << 20,
  consumeQueueFileBytes: 20_000,
  indexSlots: 1000,
  indexItems: 4000,
  writePath: writePath as WritePath,
  flush: { mode: mode as 'async' | 'sync', commitIntervalMs: 5 },
  storeHost: { address: '127.0.0.1', port: 10911 },
})
const topic = store.topic('Killed')
const batch = new AppendBatch(8)
let next = Number(first)
// A pipe takes such lines at once: what was printed is known to the one who kills.
const tell = (line: string) => writeSync(1, `${line}\n`)
const written: { endOffset: number; next: number }[] = []

for (;;) {
  batch.clear()
  batch.body = Buffer.alloc(batch.capacity * MOST_BODY_BYTES)
  for (let row = 0; row < batch.capacity; row++, next++) {
    const start = row * MOST_BODY_BYTES
    const bodyBytes = HEADER_BYTES + ((next * 131) % (MOST_BODY_BYTES - HEADER_BYTES))
    batch.body.fill(`${next}/`, start, start + bodyBytes)
    batch.add(topic, next % QUEUES, 0, 0, 0, 1, 0, 0, 4, 1, start, bodyBytes, 0, 0, 1)
  }
  store.append(batch)
  for (let row = 0; row < batch.count; row++) {
    if (batch.status(row) !== AppendStatus.OK) throw new Error(`status ${batch.status(row)}`)
  }
  const { endOffset } = batch
  if (mode === 'sync') await store.whenFlushed(endOffset)
  tell(`acknowledged ${next}`)
  written.push({ endOffset, next })
  const { dispatched } = store.watermarks
  while (written.length > 0 && written[0]!.endOffset <= dispatched) tell(`written ${written.shift()!.next}`)
  await turn()
}
