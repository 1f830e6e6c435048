import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type MessageStore, openMessageStore } from '../../../lib/store/index.ts'
import {
  planRepair,
  rebuildStore,
  repairStore,
  statStore,
  type VerifyReport,
  verifyStore,
} from '../../../lib/store/inspect/index.ts'
import { appendBodies, whenDispatched } from '../support/store-fixture.ts'
import { flip, MESSAGES, recordsOf, sampleOptions, sampleStore, sampleTopic } from './support/sample-store.ts'

const codes = (report: VerifyReport) => [...new Set(report.findings.map(({ code }) => code))].sort()
const keptMessages = Array.from({ length: MESSAGES }, (_, n) => sampleTopic(n)).filter(
  (name) => name === 'Sample',
).length

const inStore = async (root: string, use: (store: MessageStore) => Promise<unknown>): Promise<void> => {
  const store = await openMessageStore(sampleOptions(root))
  await use(store)
  await store.close()
}

/** A sample store whose topic Other was removed. */
const removedSample = async (t: Parameters<typeof sampleStore>[0]): Promise<string> => {
  const root = await sampleStore(t)
  await inStore(root, (store) => store.removeTopic('Other'))
  return root
}

test('records of a removed topic need no queue', async (t) => {
  const root = await removedSample(t)
  const report = verifyStore(root)
  deepEqual(report.findings, [])
  deepEqual(report.notChecked, [])
  equal(report.records, MESSAGES)
  equal(report.queueEntries, keptMessages)
})

test('a removed topic that came back is held against its new records', async (t) => {
  const root = await removedSample(t)
  await inStore(root, async (store) => {
    appendBodies(store, store.topic('Other'), ['a', 'b', 'c'])
    await whenDispatched(store)
  })
  const report = verifyStore(root)
  deepEqual(report.findings, [])
  equal(report.queueEntries, keptMessages + 3)
  flip(join(root, 'consumequeue/Other/0/00000000000000000000'), 27)
  deepEqual(codes(verifyStore(root)), ['QUEUE_ENTRY_WRONG'])
})

test('stat names removed topics', async (t) => {
  const root = await removedSample(t)
  const { removedTopics, topics, logEnd } = statStore(root)
  deepEqual(removedTopics, [{ topic: 'Other', belowOffset: logEnd }])
  deepEqual(
    topics.map(({ topic }) => topic),
    ['Sample'],
  )
})

test('neither repair nor rebuild brings the queues of a removed topic back', async (t) => {
  const root = await removedSample(t)
  rmSync(join(root, 'consumequeue/Sample/1'), { recursive: true })
  const repaired = await repairStore(root)
  equal(repaired.recovery?.addedQueueEntries, keptMessages / 3)
  deepEqual(repaired.after.findings, [])
  await rebuildStore(root)
  ok(!existsSync(join(root, 'consumequeue/Other')))
  deepEqual(verifyStore(root).findings, [])
})

test('queues that an interrupted removal left are no damage, and the next start removes them', async (t) => {
  const root = await sampleStore(t)
  const queues = join(root, 'consumequeue/Other')
  cpSync(queues, `${root}-queues`, { recursive: true })
  await inStore(root, (store) => store.removeTopic('Other'))
  cpSync(`${root}-queues`, queues, { recursive: true })
  const report = verifyStore(root)
  deepEqual(report.findings, [])
  equal(report.expiredQueueEntries, MESSAGES - keptMessages)
  await inStore(root, async () => undefined)
  ok(!existsSync(join(queues, '0')))
})

for (const [what, change] of [
  ['a flipped bit', (bytes: Buffer) => bytes.fill(bytes[12]! ^ 1, 12, 13)],
  ['no checksum', () => Buffer.from('100 Other\n')],
  ['no content', () => Buffer.alloc(0)],
] as const) {
  test(`a file removed-topics with ${what} is told of and moved aside`, async (t) => {
    const root = await removedSample(t)
    const path = join(root, 'removed-topics')
    writeFileSync(path, change(readFileSync(path)))
    const report = verifyStore(root)
    match(report.findings.find(({ code }) => code === 'REMOVED_TOPICS_FILE')!.message, /takes no topic for removed/)
    equal(planRepair(root).actions[0]?.action, 'set-aside')
  })
}

test('retention.txt is read as the engine reads it', async (t) => {
  const root = await sampleStore(t)
  await inStore(root, (store) => store.setTopicRetention('Sample', { bytes: 1 << 30 }))
  deepEqual(verifyStore(root).findings, [])
  deepEqual(verifyStore(root).notChecked, [])
  flip(join(root, 'retention.txt'), 12)
  const report = verifyStore(root)
  deepEqual(codes(report), ['RETENTION_FILE'])
  equal(report.isClean, true)
  deepEqual((await repairStore(root)).after.findings, [])
  ok(existsSync(join(root, 'aside-1/retention.txt')) && !existsSync(join(root, 'retention.txt')))
})

test('what an interrupted write of these files leaves is a leftover', async (t) => {
  const root = await sampleStore(t)
  for (const name of ['retention.txt.tmp', 'removed-topics.new']) writeFileSync(join(root, name), 'half')
  deepEqual(codes(verifyStore(root)), ['LEFTOVER_FILE'])
})

test("Java's extensions of queue entries are known, and counted by stat", async (t) => {
  const root = await sampleStore(t)
  const dir = join(root, 'consumequeue_ext/Sample/0')
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, '00000000000000000000'), Buffer.alloc(8192, 1))
  deepEqual(verifyStore(root).findings, [])
  deepEqual(verifyStore(root).notChecked, [])
  equal(statStore(root).diskBytes.extensions, 8192)
  writeFileSync(join(dir, 'other'), '')
  deepEqual(codes(verifyStore(root)), ['STRAY_FILE'])
  equal(recordsOf(root).length, MESSAGES)
})
