// Appends much and waits rarely: one wait for the last message covers all before it.
// Run: npx tsx examples/store/many-appends.ts [DIR] [MESSAGES]
import { openStore } from 'apogeemq/store'

await using store = await openStore({ directory: process.argv[2] ?? './data/many', flush: 'sync' })
const total = Number(process.argv[3] ?? 1_000_000)
const batch = Array.from({ length: 32 }, () => ({ body: Buffer.alloc(1024) }))

const startedAt = performance.now()
for (let sent = 0; sent < total; ) {
  let last = store.appendNow(batch)
  for (let more = 1; more < 256; more++) last = store.appendNow(batch)
  sent += 256 * batch.length
  await last.durable
}
const seconds = (performance.now() - startedAt) / 1000
const { queues, appendedOffset, flushedOffset } = store.stats()
console.error(`${Math.round(queues[0]!.endOffset / seconds)} messages of 1 KiB per second`)
console.log(`everything is on the device: ${appendedOffset === flushedOffset}`)
