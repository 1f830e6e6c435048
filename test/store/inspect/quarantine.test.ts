import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMessageStore } from '../../../lib/store/index.ts'
import {
  type Finding,
  planRepair,
  rebuildStore,
  repairStore,
  type VerifyReport,
  verifyStore,
} from '../../../lib/store/inspect/index.ts'
import {
  contentsOf,
  flip,
  hashOf,
  MESSAGES,
  overwrite,
  placeOf,
  recordsOf,
  SEGMENT_BYTES,
  sampleOptions,
  sampleStore,
} from './support/sample-store.ts'

const codesOf = (findings: readonly Finding[]) => [...new Set(findings.map(({ code }) => code))].sort()
const quarantinedIn = (report: VerifyReport) => report.quarantinedRanges.map(({ from, to }) => ({ from, to }))
const onlyNotes = (report: VerifyReport): void => {
  deepEqual([report.counts.error, report.counts.warning], [0, 0], JSON.stringify(report.findings))
  ok(report.findings.some(({ code }) => code === 'QUARANTINED'))
}

/** A byte of the record's properties, which its own CRC does not cover: the tag stays parseable. */
const flipProperty = (root: string, n: number): { from: number; to: number } => {
  const record = recordsOf(root)[n]!
  const { path, position } = placeOf(root, record.physicalOffset)
  const bytes = readFileSync(path).subarray(position, position + record.sizeBytes)
  flip(path, position + bytes.lastIndexOf(`key-${n}`) + 1)
  return { from: record.physicalOffset, to: record.physicalOffset + record.sizeBytes }
}

const flipBody = (root: string, n: number): { from: number; to: number } => {
  const record = recordsOf(root)[n]!
  const { path, position } = placeOf(root, record.physicalOffset)
  flip(path, position + 100)
  return { from: record.physicalOffset, to: record.physicalOffset + record.sizeBytes }
}

for (const [what, damage, reason] of [
  ['a record whose body is damaged', flipBody, /body does not match/],
  ['a record that only its checksum tells to be another one', flipProperty, /what its checksum was made of/],
] as const) {
  test(`${what} is an error until a repair quarantines it, and cuts nothing`, async (t) => {
    const root = await sampleStore(t)
    const range = damage(root, 50)
    const log = contentsOf(join(root, 'commitlog'))
    const queues = contentsOf(join(root, 'consumequeue'))
    const before = hashOf(root)
    const found = verifyStore(root)
    equal(found.isClean, false)
    equal(found.records, MESSAGES - 1)
    ok(found.findings.some(({ severity, physicalOffset }) => severity === 'error' && physicalOffset === range.from))

    const plan = planRepair(root)
    deepEqual(
      plan.actions.map((action) => (action.action === 'quarantine' ? [action.fromOffset, action.toOffset] : action)),
      [[range.from, range.to]],
    )
    deepEqual(plan.unrepaired, [])
    equal(hashOf(root), before)

    const { after, aside } = await repairStore(root)
    onlyNotes(after)
    equal(aside, undefined)
    deepEqual(quarantinedIn(after), [range])
    ok(reason.test(after.quarantinedRanges[0]!.reason))
    // The entry stays, so that its queue offset is not given out again.
    deepEqual(contentsOf(join(root, 'consumequeue')), queues)
    deepEqual(contentsOf(join(root, 'commitlog')), log)
    deepEqual(planRepair(root).actions, [])

    // Whatever the engine does with its own file, the range stays in it.
    const store = await openMessageStore(sampleOptions(root))
    await store.close()
    onlyNotes(verifyStore(root))
    deepEqual(contentsOf(join(root, 'commitlog')), log)
  })

  test(`a rebuild goes around ${what}`, async (t) => {
    const root = await sampleStore(t)
    const range = damage(root, 50)
    const log = contentsOf(join(root, 'commitlog'))
    const { after, aside } = await rebuildStore(root)
    onlyNotes(after)
    deepEqual(quarantinedIn(after), [range])
    deepEqual([after.records, after.queueEntries, after.indexItems], [MESSAGES - 1, MESSAGES - 1, MESSAGES - 1])
    equal(aside, undefined)
    deepEqual(contentsOf(join(root, 'commitlog')), log)
    // Another one finds it again.
    onlyNotes((await rebuildStore(root)).after)
  })
}

test('a rebuild goes around both kinds of damage at once', async (t) => {
  const root = await sampleStore(t)
  const ranges = [flipBody(root, 40), flipProperty(root, 50), flipBody(root, 230)]
  const { after } = await rebuildStore(root)
  onlyNotes(after)
  deepEqual(quarantinedIn(after), ranges)
  equal(after.records, MESSAGES - 3)
})

test('records behind a page of zeros are kept, also when the store was not closed', async (t) => {
  const root = await sampleStore(t)
  const { path, position } = placeOf(root, recordsOf(root)[60]!.physicalOffset)
  overwrite(path, Math.floor(position / 4096) * 4096, Buffer.alloc(4096))
  writeFileSync(join(root, 'abort'), '')
  const log = contentsOf(join(root, 'commitlog'))
  const { before, after } = await repairStore(root)
  equal(after.records, before.records)
  onlyNotes(after)
  onlyNotes((await rebuildStore(root)).after)
  deepEqual(contentsOf(join(root, 'commitlog')), log)
})

test('a damaged place and a torn tail are repaired together', async (t) => {
  const root = await sampleStore(t)
  const range = flipBody(root, 50)
  const { path, position } = placeOf(root, recordsOf(root).at(-1)!.physicalOffset)
  overwrite(path, position + 300, Buffer.alloc(200))
  const { actions, after } = await repairStore(root)
  deepEqual(
    actions.map(({ action }) => action),
    ['quarantine', 'cut-tail'],
  )
  onlyNotes(after)
  deepEqual(quarantinedIn(after), [range])
  equal(after.records, MESSAGES - 2)
})

test('damage that has grown beyond its range in quarantine.json is an error again', async (t) => {
  const root = await sampleStore(t)
  const first = flipBody(root, 50)
  await repairStore(root)
  const { path, position } = placeOf(root, first.from)
  overwrite(path, position, Buffer.alloc(1200, 7))
  deepEqual(codesOf(verifyStore(root).findings.filter(({ severity }) => severity === 'error')), [
    'INDEX_ITEM',
    'LOG_DAMAGED',
    'QUEUE_ENTRY_STRAY',
  ])
  const { after } = await repairStore(root)
  onlyNotes(after)
  equal(after.quarantinedRanges.length, 1)
  ok(after.quarantinedRanges[0]!.to > first.to)
})

test('a quarantine.json that cannot be read is a warning, and hides no damage', async (t) => {
  const root = await sampleStore(t)
  flipBody(root, 50)
  for (const text of ['{', '{"version": 2, "ranges": []}', '{"version": 1, "ranges": [{"from": 9, "to": 3}]}']) {
    writeFileSync(join(root, 'quarantine.json'), text)
    const found = codesOf(verifyStore(root).findings)
    ok(found.includes('QUARANTINE_FILE') && found.includes('LOG_DAMAGED'), found.join())
  }
  const { after, aside } = await repairStore(root)
  onlyNotes(after)
  ok(readdirSync(aside!).includes('quarantine.json'))
})

test('damage with older records behind it, and a log that lacks a file, are for a person to judge', async (t) => {
  const older = await sampleStore(t)
  flipBody(older, 50)
  const records = recordsOf(older)
  for (const { physicalOffset } of records.slice(51)) {
    const { path, position } = placeOf(older, physicalOffset)
    const time = Buffer.alloc(8)
    time.writeBigInt64BE(BigInt(records[0]!.storeTimestampMs - 60_000))
    overwrite(path, position + 56, time)
  }
  for (const name of ['checksums', 'recovery-point']) rmSync(join(older, name), { recursive: true })
  const lacking = await sampleStore(t)
  const [, second] = readdirSync(join(lacking, 'commitlog')).sort()
  renameSync(join(lacking, 'commitlog', second!), join(lacking, 'gone'))
  for (const root of [older, lacking]) {
    const before = hashOf(root)
    await rejects(rebuildStore(root), { code: 'STORE_CORRUPTION' })
    const plan = planRepair(root)
    deepEqual(plan.actions, [])
    ok(plan.unrepaired.some(({ code }) => code === 'LOG_DAMAGED' || code === 'LOG_SEGMENT_MISSING'))
    await repairStore(root)
    equal(hashOf(root), before)
  }
})

test('a segment in the middle that was cut short gets its length back as a quarantined hole', async (t) => {
  const root = await sampleStore(t)
  truncateSync(join(root, 'commitlog', String(SEGMENT_BYTES).padStart(20, '0')), 30_000)
  const { after } = await repairStore(root)
  onlyNotes(after)
})

test('what a repair has listed the engine keeps when it lists more', async (t) => {
  const root = await sampleStore(t)
  const first = flipBody(root, 50)
  await repairStore(root)
  const path = join(root, 'quarantine.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"foundAtMs": \d+/, '"foundAtMs": 1234'))
  const second = flipBody(root, 60)
  const { after } = await rebuildStore(root)
  onlyNotes(after)
  deepEqual(
    after.quarantinedRanges.map(({ from, to, foundAtMs }) => ({ from, to, isOld: foundAtMs === 1234 })),
    [
      { ...first, isOld: true },
      { ...second, isOld: false },
    ],
  )
})
