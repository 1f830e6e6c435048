// Keeps a log small: by a limit for one topic, by deleting what was read, by deleting a topic.
// Run: npx tsx examples/store/retention.ts [DIR]
import { openStore } from 'apogeemq/store'

await using store = await openStore({ directory: process.argv[2] ?? './data/retention', segmentBytes: 1 << 20 })
const reading = Buffer.alloc(10_000)
for (let hour = 0; hour < 5; hour++) {
  await store.append(Array.from({ length: 80 }, () => ({ topic: 'readings', body: reading })))
}
await store.append({ topic: 'notes', body: 'kept as long as the log' })

await store.setTopicRetention('readings', { timeMs: 24 * 3_600_000, bytes: 100_000_000 })
console.log('limits:', store.topicRetentions().get('readings'))

// A program that has copied what it needs says up to where; whole files below that go.
let copied = 0
for await (const { physicalOffset } of store.scan({ topic: 'readings', to: 250 })) copied = physicalOffset
const { deletedFiles, minOffset } = await store.truncateBefore(copied)
console.log('deleted files:', deletedFiles, 'the log begins at', minOffset)

const { queues, retention } = store.stats()
const readings = queues.find(({ topic }) => topic === 'readings')!
console.log('readings left:', readings.endOffset - readings.minOffset, 'deleted bytes:', retention.deletedBytes)

await store.deleteTopic('readings')
console.log(
  'topics:',
  store
    .stats()
    .queues.map(({ topic }) => topic)
    .join(', '),
)
