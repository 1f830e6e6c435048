import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FindingCode } from '../../../lib/store/inspect/index.ts'
import { statStore, type VerifyReport, verifyStore } from '../../../lib/store/inspect/index.ts'
import { temporaryDirectory } from '../support/store-fixture.ts'
import {
  flip,
  hashOf,
  INDEX_SLOTS,
  MESSAGES,
  overwrite,
  placeOf,
  QUEUE_FILE_BYTES,
  recordsOf,
  SEGMENT_BYTES,
  sampleStore,
  sampleTopic,
} from './support/sample-store.ts'

const codes = (report: VerifyReport): FindingCode[] => [...new Set(report.findings.map(({ code }) => code))].sort()
const first = (report: VerifyReport, code: FindingCode) => report.findings.find((finding) => finding.code === code)!

const rangesOf = ({ damagedRanges }: VerifyReport) => damagedRanges.map(({ from, to }) => ({ from, to }))

const queueFile = (root: string, queue: string, start = 0): string =>
  join(root, 'consumequeue', queue, String(start).padStart(20, '0'))

const indexFile = (root: string): string => join(root, 'index', readdirSync(join(root, 'index')).sort()[0]!)

test('a store in order is clean, and verification changes nothing', async (t) => {
  const root = await sampleStore(t)
  const before = hashOf(root)
  const report = verifyStore(root)
  deepEqual(report.findings, [])
  equal(report.isClean, true)
  equal(report.records, MESSAGES)
  equal(report.queueEntries, MESSAGES)
  equal(report.indexItems, MESSAGES)
  equal(report.queues, 6)
  ok(report.segments > 3)
  ok(report.indexFiles > 1)
  equal(hashOf(root), before)
})

test('stat tells what the log, the queues and the index hold, also without reading everything', async (t) => {
  const root = await sampleStore(t)
  const records = recordsOf(root)
  for (const full of [false, true]) {
    const stat = statStore(root, { full })
    equal(stat.logEnd, records.at(-1)!.physicalOffset + records.at(-1)!.sizeBytes)
    equal(stat.firstStoreTimestamp, records[0]!.storeTimestampMs)
    equal(stat.lastStoreTimestamp, records.at(-1)!.storeTimestampMs)
    equal(stat.messages, MESSAGES)
    equal(stat.indexItems, MESSAGES)
    equal(stat.records, full ? MESSAGES : undefined)
    deepEqual(
      stat.topics.map(({ topic, messages }) => [topic, messages]),
      ['Other', 'Sample'].map((topic) => [topic, records.filter((record) => record.topic === topic).length]),
    )
    equal(stat.wasClosed, true)
    equal(stat.checkpoint?.physicalMs, stat.lastStoreTimestamp)
  }
})

/** One bit flipped in a record of the middle. */
for (const [what, at, reason] of [
  ['the size', 2, /runs over|lengths do not|magic|shorter/],
  ['the magic', 4, /magic/],
  ['the CRC', 8, /CRC/],
  ['the physical offset', 35, /says that it stands/],
  ['the body', 100, /CRC/],
  ['the body length', 85, /lengths|runs over/],
] as const) {
  test(`a flipped bit in ${what} of a record is damage with good records behind`, async (t) => {
    const root = await sampleStore(t)
    const record = recordsOf(root)[100]!
    const { path, position } = placeOf(root, record.physicalOffset)
    flip(path, position + at)
    const report = verifyStore(root)
    equal(report.isClean, false)
    equal(report.records, MESSAGES - 1)
    const to = record.physicalOffset + record.sizeBytes
    deepEqual(rangesOf(report), [{ from: record.physicalOffset, to }])
    const finding = first(report, 'LOG_DAMAGED')
    equal(finding.position, position)
    ok(reason.test(finding.message), finding.message)
    // Its queue entry has lost its record.
    ok(codes(report).includes('QUEUE_ENTRY_STRAY'))
  })
}

test('without checksums a flipped bit in the queue offset of a record, which no CRC covers, shows in its queue', async (t) => {
  const root = await sampleStore(t)
  rmSync(join(root, 'checksums'), { recursive: true })
  const { path, position } = placeOf(root, recordsOf(root)[100]!.physicalOffset)
  flip(path, position + 27)
  const found = codes(verifyStore(root))
  ok(found.includes('QUEUE_ENTRY_WRONG') || found.includes('QUEUE_OFFSET_REPEATED'), found.join())
  ok(found.includes('QUEUE_ENTRY_STRAY') || found.includes('QUEUE_ENTRY_WRONG'), found.join())
})

for (const [what, at, code] of [
  ['offset', 7, 'QUEUE_ENTRY_WRONG'],
  ['size', 11, 'QUEUE_ENTRY_WRONG'],
  ['tag code', 19, 'QUEUE_TAG_CODE'],
] as const) {
  test(`a flipped bit in the ${what} of a queue entry is found at its place`, async (t) => {
    const root = await sampleStore(t)
    flip(queueFile(root, 'Sample/1'), 5 * 20 + at)
    const report = verifyStore(root)
    deepEqual(codes(report), [code])
    const finding = first(report, code)
    equal(finding.file, 'consumequeue/Sample/1/00000000000000000000')
    equal(finding.position, 100)
    deepEqual(report.damagedQueues, ['consumequeue/Sample/1'])
  })
}

test('an entry without a record, a hole and a missing queue file are found', async (t) => {
  const root = await sampleStore(t)
  const records = recordsOf(root).filter(({ topic, queueId }) => topic === 'Sample' && queueId === 2)
  const end = records.length * 20
  const entry = Buffer.alloc(20)
  entry.writeBigInt64BE(BigInt(records[0]!.physicalOffset), 0)
  entry.writeInt32BE(records[0]!.sizeBytes, 8)
  overwrite(
    queueFile(root, 'Sample/2', Math.floor(end / QUEUE_FILE_BYTES) * QUEUE_FILE_BYTES),
    end % QUEUE_FILE_BYTES,
    entry,
  )
  overwrite(queueFile(root, 'Sample/1'), 40, Buffer.alloc(20))
  rmSync(queueFile(root, 'Sample/0'))
  const report = verifyStore(root)
  equal(first(report, 'QUEUE_ENTRY_STRAY').file.startsWith('consumequeue/Sample/2/'), true)
  equal(first(report, 'QUEUE_FILES').file, 'consumequeue/Sample/1/00000000000000000000')
  ok(report.findings.some(({ code, file }) => code === 'QUEUE_ENTRY_MISSING' && file === 'consumequeue/Sample/0'))
  deepEqual(report.damagedQueues.toSorted(), [
    'consumequeue/Sample/0',
    'consumequeue/Sample/1',
    'consumequeue/Sample/2',
  ])
})

test('a flipped bit in a slot, a hash, an offset, a time or a chain of the index is found', async (t) => {
  const items = 40 + INDEX_SLOTS * 4
  for (const [at, code] of [
    [40 + 3, 'INDEX_SLOT'],
    [items + 7 * 20 + 3, 'INDEX_ITEM'],
    [items + 7 * 20 + 11, 'INDEX_ITEM'],
    [items + 7 * 20 + 15, 'INDEX_ITEM'],
    [items + 7 * 20 + 19, 'INDEX_ITEM'],
  ] as const) {
    const root = await sampleStore(t)
    flip(indexFile(root), at)
    const report = verifyStore(root)
    ok(codes(report).includes(code), `${at}: ${codes(report)}`)
    ok(codes(report).every((found) => found.startsWith('INDEX')))
    equal(report.isIndexDamaged, true)
  }
})

test('an index that counts more items than fit, or lacks a file, is found', async (t) => {
  const root = await sampleStore(t)
  overwrite(indexFile(root), 36, Buffer.from([0x7f, 0, 0, 0]))
  deepEqual(codes(verifyStore(root, { indexSlots: INDEX_SLOTS })), ['INDEX_HEADER'])
  rmSync(join(root, 'index', readdirSync(join(root, 'index')).sort().at(-1)!))
  const again = verifyStore(root, { indexSlots: INDEX_SLOTS })
  ok(again.findings.some(({ code }) => code === 'INDEX_HEADER'))
})

test('a torn tail is told from damage in the middle', async (t) => {
  const root = await sampleStore(t)
  const last = recordsOf(root).at(-1)!
  const { path, position } = placeOf(root, last.physicalOffset)
  overwrite(path, position + 300, Buffer.alloc(200))
  const report = verifyStore(root)
  equal(report.tornAt, last.physicalOffset)
  deepEqual(report.damagedRanges, [])
  equal(report.logEnd, last.physicalOffset)
  const finding = first(report, 'LOG_TORN_TAIL')
  equal(finding.physicalOffset, last.physicalOffset)
})

test('a missing segment in the middle and a truncated one are found, and what lies behind is read', async (t) => {
  const missing = await sampleStore(t)
  const segments = readdirSync(join(missing, 'commitlog')).sort()
  const records = recordsOf(missing)
  renameSync(join(missing, 'commitlog', segments[1]!), join(missing, 'gone'))
  const report = verifyStore(missing)
  deepEqual(rangesOf(report), [{ from: SEGMENT_BYTES, to: 2 * SEGMENT_BYTES }])
  deepEqual(report.missingRanges, rangesOf(report))
  equal(first(report, 'LOG_SEGMENT_MISSING').physicalOffset, SEGMENT_BYTES)
  const inSegment = records.filter(({ physicalOffset }) => Math.floor(physicalOffset / SEGMENT_BYTES) === 1).length
  equal(report.records, MESSAGES - inSegment)
  deepEqual(report.notChecked, ['gone'])

  const truncated = await sampleStore(t)
  truncateSync(join(truncated, 'commitlog', segments[1]!), 30_000)
  const found = verifyStore(truncated)
  ok(codes(found).includes('LOG_SEGMENT_SIZE'))
  equal(found.damagedRanges.length, 1)
  equal(found.damagedRanges[0]!.to, 2 * SEGMENT_BYTES)
})

test('checkpoint, configuration and files that do not belong there are looked at', async (t) => {
  const root = await sampleStore(t)
  mkdirSync(join(root, 'config'))
  writeFileSync(join(root, 'config', 'consumerOffset.json'), '{"offsetTable":{"Sample@group":{0:7,1:8}}}')
  writeFileSync(join(root, 'config', 'topics.json'), '{"topicConfigTable":')
  writeFileSync(join(root, 'config', 'topics.json.bak'), '{}')
  writeFileSync(join(root, 'config', 'topics.json.tmp'), '')
  writeFileSync(join(root, 'commitlog', 'notes.txt'), 'x')
  const ahead = Buffer.alloc(8)
  ahead.writeBigInt64BE(BigInt(Date.now() + 86_400_000))
  overwrite(join(root, 'checkpoint'), 8, ahead)
  const report = verifyStore(root)
  // The recovery point was written with another checkpoint.
  deepEqual(codes(report), ['CHECKPOINT', 'CONFIG_BROKEN', 'LEFTOVER_FILE', 'RECOVERY_POINT', 'STRAY_FILE'])
  equal(first(report, 'CONFIG_BROKEN').file, 'config/topics.json')
  equal(first(report, 'CHECKPOINT').position, 8)
  equal(first(report, 'STRAY_FILE').file, 'commitlog/notes.txt')
  equal(report.configFiles, 3)
  deepEqual(report.notChecked, [])
})

test('entries that a killed store has not written yet are a note: its next start adds them', async (t) => {
  const root = await sampleStore(t)
  const records = recordsOf(root).filter(({ topic, queueId }) => topic === 'Sample' && queueId === 1)
  const last = (records.length - 1) * 20
  const start = Math.floor(last / QUEUE_FILE_BYTES) * QUEUE_FILE_BYTES
  overwrite(queueFile(root, 'Sample/1', start), last - start, Buffer.alloc(20))
  writeFileSync(join(root, 'abort'), '')
  const report = verifyStore(root)
  deepEqual(codes(report), ['NOT_CLOSED', 'QUEUE_BEHIND_LOG'])
  equal(report.isClean, true)
  rmSync(join(root, 'abort'))
  deepEqual(codes(verifyStore(root)), ['QUEUE_ENTRY_MISSING'])
})

test('a directory that holds no store is refused', async (t) => {
  const empty = await temporaryDirectory(t)
  throws(() => verifyStore(empty), { code: 'STORE_NOT_FOUND' })
  throws(() => statStore(empty), { code: 'STORE_NOT_FOUND' })
  equal(sampleTopic(0), 'Other')
})

const EXTENDED = { consumeQueueExt: { enabled: true, fileBytes: 128 } }
const extensionFile = (root: string): string => join(root, 'consumequeue_ext/Sample/1', String(128).padStart(20, '0'))

test('entries with extension units are held against their records', async (t) => {
  const root = await sampleStore(t, EXTENDED)
  const report = verifyStore(root)
  deepEqual(report.findings, [])
  equal(report.queueEntries, MESSAGES)
  deepEqual(report.notChecked, [])
})

test('a unit of another message is an error, one that is gone a warning', async (t) => {
  const root = await sampleStore(t, EXTENDED)
  overwrite(extensionFile(root), 0, Buffer.alloc(20))
  const lost = verifyStore(root)
  deepEqual(codes(lost), ['QUEUE_UNIT_MISSING'])
  equal(lost.isClean, true)
  const time = Buffer.alloc(20)
  time.writeUInt16BE(20)
  overwrite(extensionFile(root), 0, time)
  const wrong = verifyStore(root)
  deepEqual(codes(wrong), ['QUEUE_UNIT_WRONG'])
  deepEqual(wrong.damagedQueues, ['consumequeue/Sample/1'])
  flip(extensionFile(root), 20 + 9)
  ok(codes(verifyStore(root)).includes('QUEUE_TAG_CODE'))
})
