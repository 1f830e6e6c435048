// Opens a log in the directory given, appends 100 messages, then ends as the second argument says. The others are write
// path and flush mode. Run by log-store-teardown.test.ts in a process, and as a worker, of its own.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { openStore, type WritePath } from '../../../lib/store/index.ts'

const [directory, end, writePath, mode] = isMainThread ? process.argv.slice(2) : (workerData as { args: string[] }).args

const tell = (text: string): void => {
  if (isMainThread) process.stdout.write(`${text}\n`)
  else parentPort!.postMessage(text)
}

const store = await openStore({
  directory: directory!,
  segmentBytes: 1 << 20,
  consumeQueueFileBytes: 20_000,
  indexSlots: 1000,
  indexItems: 4000,
  writePath: writePath as WritePath,
  stagingBytes: 65_536,
  flush: mode as 'sync' | 'async',
})
const messages = Array.from({ length: 100 }, (_, index) => ({ body: `m${index}` }))
const first = await store.append(messages.slice(0, 60), { durability: 'flushed' })
const leases = [0, 30, 59].map((index) => store.lease(first.at(index)!.physicalOffset)!)
const appended = store.appendNow(messages.slice(60), { durability: 'flushed' })

const follow = async (): Promise<void> => {
  for await (const { queueOffset } of store.tail({ from: 0 })) if (queueOffset === 99) tell('followed')
  tell('tail ended')
}

const ends: Promise<string>[] = []

/** More than fits into the memory of the write path: some of them wait for room. */
const appendMuch = (): void => {
  const filler = ' '.repeat(10_000)
  for (let index = 0; index < 30; index++) {
    ends.push(
      store.append({ body: `more${filler}`, queueId: 1 }, { durability: 'appended' }).then(
        () => 'OK',
        (error) => error.code,
      ),
    )
  }
}

switch (end) {
  case 'exit-with-leases-and-tails':
    follow()
    await appended.durable
    process.exit(0)
    break
  case 'throw-in-scan':
    await appended.durable
    for await (const { queueOffset } of store.scan()) if (queueOffset === 42) throw new Error('thrown on purpose')
    break
  case 'leave-with-leases':
    await appended.durable
    break
  case 'close-while-all-is-under-way': {
    const tail = follow()
    const waiting = appended.durable.then(
      () => 'durable',
      (error) => error.code,
    )
    const read = store.read({ from: 99 }).then(
      () => 'read',
      (error) => error.code,
    )
    await Promise.all([store.close(), store.close()])
    tell(`${await waiting} ${['read', 'STORE_CLOSED'].includes(await read)} ${leases[0]!.bytes.length}`)
    await tail
    break
  }
  case 'exit-without-waiting':
    process.exit(0)
    break
  case 'exit-while-appends-wait': {
    appendMuch()
    process.exit(0)
    break
  }
  case 'close-while-appends-wait': {
    appendMuch()
    const closed = [store.close(), store.close()]
    tell(`ended ${(await Promise.all(ends)).join(' ')}`)
    await Promise.all(closed)
    break
  }
  case 'append-on-and-on':
    while (ends.length === 0) {
      appendMuch()
      tell('appending')
      await ends.splice(0).at(-1)
    }
    break
  case 'follow':
    await follow()
    break
  default:
    throw new Error(`no such end: ${end}`)
}
