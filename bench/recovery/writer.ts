// Appends to a store until it is told to stop, and says how far it has come. Killed by run.ts.
import { AppendBatch, AppendStatus, openMessageStore } from '../../lib/store/index.ts'

const ROWS = 32
const QUEUES = 8
const BODY_BYTES = 1024
const ADDRESS_BYTES = 4
/** Between two looks at the messages of the parent. */
const APPENDS_PER_TURN = 64

const [rootDir] = process.argv.slice(2)
const store = await openMessageStore({
  rootDir: rootDir!,
  indexEnabled: false,
  retention: { deleteHours: [], cleanPercent: 100, cleanForcibly: false, refusePercent: 100 },
  storeHost: { address: '127.0.0.1', port: 10911 },
})
const topic = store.topic('Bench')
const batch = new AppendBatch(ROWS)
batch.aux.fill(0, 0, ADDRESS_BYTES)
const body = Buffer.alloc(BODY_BYTES, 'x')

const appendTo = async (end: number): Promise<void> => {
  let queueId = 0
  while (store.watermarks.appended < end) {
    for (let turn = 0; turn < APPENDS_PER_TURN; turn++) {
      batch.clear()
      batch.body = body
      for (let row = 0; row < ROWS; row++) {
        batch.add(topic, queueId, 0, 0, 0, 0, 0, 0, ADDRESS_BYTES, 0, 0, BODY_BYTES, 0, 0, 1)
        queueId = (queueId + 1) % QUEUES
      }
      store.append(batch)
      const status = batch.status(0)
      if (status !== AppendStatus.OK) throw new Error(`append status ${status}`, { cause: store.failure })
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await store.whenDispatched(store.watermarks.appended)
}

process.on('message', async (end: number) => {
  await appendTo(end)
  process.send!(store.watermarks.appended)
})
process.send!(store.watermarks.appended)
