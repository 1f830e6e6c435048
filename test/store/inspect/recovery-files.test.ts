import { deepEqual, equal, ok } from 'node:assert/strict'
import { cpSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppendBatch, openMessageStore } from '../../../lib/store/index.ts'
import { planRepair, rebuildStore, repairStore, verifyStore } from '../../../lib/store/inspect/index.ts'
import { addRow, whenDispatched } from '../support/store-fixture.ts'
import { blankSlot, newestSlot, PointField, pointField, writePoint } from './support/recovery-slots.ts'
import {
  contentsOf,
  flip,
  MESSAGES,
  overwrite,
  placeOf,
  recordsOf,
  sampleOptions,
  sampleStore,
} from './support/sample-store.ts'

const SLOT_BYTES = 4096

const found = (root: string): string[] =>
  verifyStore(root).findings.map(({ severity, code, file }) => `${severity} ${code} ${file}`)

/** A byte near the end of a record: of its properties. */
const flipProperty = (root: string, n: number): number => {
  const { physicalOffset, sizeBytes } = recordsOf(root)[n]!
  const { path, position } = placeOf(root, physicalOffset)
  flip(path, position + sizeBytes - 4)
  return physicalOffset
}

const POINT_ERROR = 'error RECOVERY_POINT recovery-point'

for (const [what, damage, expected] of [
  ['behind the log', (root: string) => writePoint(root, { [PointField.OFFSET]: 2 ** 40 }), [POINT_ERROR]],
  [
    'beside a record boundary',
    (root: string) => writePoint(root, { [PointField.OFFSET]: pointField(root, PointField.OFFSET) - 1 }),
    [POINT_ERROR],
  ],
  [
    'with another record in front of it',
    (root: string) => writePoint(root, { [PointField.LAST_RECORD]: recordsOf(root)[7]!.physicalOffset }),
    [POINT_ERROR],
  ],
  [
    'whose last record has changed',
    (root: string) => flipProperty(root, MESSAGES - 1),
    [POINT_ERROR, 'error INDEX_ITEM', 'error QUEUE_TAG_CODE'],
  ],
  [
    'of another checkpoint',
    (root: string) => writePoint(root, { [PointField.LOGIC_MS]: 7 }),
    ['note RECOVERY_POINT recovery-point'],
  ],
] as const) {
  test(`a recovery point ${what} is told, and a repair leaves none`, async (t) => {
    const root = await sampleStore(t)
    blankSlot(root, 1 - newestSlot(root))
    damage(root)
    const findings = found(root)
    equal(findings.filter((finding) => finding.includes('RECOVERY_POINT')).join(), expected[0])
    ok(findings.every((finding) => expected.some((one) => finding.startsWith(one))))
    if (expected[0] !== POINT_ERROR) return
    deepEqual(planRepair(root).unrepaired, [])
    deepEqual((await repairStore(root)).after.findings, [])
  })
}

test('a repair of a recovery point alone puts it aside and touches nothing else', async (t) => {
  const root = await sampleStore(t)
  writePoint(root, { [PointField.OFFSET]: 2 ** 40 })
  const { actions, after, aside, recovery } = await repairStore(root)
  deepEqual(
    actions.map(({ action }) => action),
    ['reset-recovery-point'],
  )
  equal(recovery?.checkedFromOffset, 0)
  deepEqual(after.findings, [])
  deepEqual(readdirSync(aside!).sort(), ['checkpoint', 'checksums', 'recovery-point'])
})

test('a torn slot, one in the wrong place and a file of another length are odd, and no damage', async (t) => {
  const root = await sampleStore(t)
  const slot = newestSlot(root)
  blankSlot(root, 1 - slot)
  deepEqual(found(root), [])
  flip(join(root, 'recovery-point'), slot * SLOT_BYTES + 50)
  const [torn] = verifyStore(root).findings
  deepEqual([torn?.severity, torn?.code, torn?.position], ['warning', 'RECOVERY_POINT', slot * SLOT_BYTES])
  flip(join(root, 'recovery-point'), slot * SLOT_BYTES + 50)
  writePoint(root, {}, 1 - slot)
  deepEqual(found(root), ['warning RECOVERY_POINT recovery-point'])
  truncateSync(join(root, 'recovery-point'), SLOT_BYTES)
  ok(found(root).every((finding) => finding === 'warning RECOVERY_POINT recovery-point'))
})

test('an older point may speak of an end of the log that is gone', async (t) => {
  const root = await sampleStore(t)
  const slot = newestSlot(root)
  const sequence = pointField(root, PointField.SEQUENCE) - 1
  writePoint(root, { [PointField.OFFSET]: 2 ** 40, [PointField.SEQUENCE]: sequence }, 1 - slot)
  deepEqual(found(root), ['note RECOVERY_POINT recovery-point'])
})

test('a record that differs from its checksum is an error with its physical offset', async (t) => {
  const root = await sampleStore(t)
  const physicalOffset = flipProperty(root, 50)
  const { path, position } = placeOf(root, physicalOffset)
  const report = verifyStore(root)
  const checksum = report.findings.find(({ code }) => code === 'LOG_CHECKSUM')
  deepEqual([checksum?.severity, checksum?.position, checksum?.physicalOffset], ['error', position, physicalOffset])
  ok(path.endsWith(checksum!.file))
  deepEqual([report.records, report.alteredRecords], [MESSAGES - 1, 1])
})

test('a wrong checksum of a record is found as well', async (t) => {
  const root = await sampleStore(t)
  flip(join(root, 'checksums', readdirSync(join(root, 'checksums')).sort()[1]!), 5)
  ok(found(root).some((finding) => finding.startsWith('error LOG_CHECKSUM commitlog/')))
})

test('checksums count only where a recovery point speaks for them, and may be missing', async (t) => {
  const root = await sampleStore(t)
  const physicalOffset = flipProperty(root, 50)
  const hasError = () => found(root).some((finding) => finding.includes('LOG_CHECKSUM'))
  equal(hasError(), true)
  writePoint(root, { [PointField.CHECKSUMS_TO]: physicalOffset })
  equal(hasError(), false)
  writePoint(root, { [PointField.CHECKSUMS_TO]: physicalOffset + 1 })
  equal(hasError(), true)
  writePoint(root, { [PointField.LOGIC_MS]: 7 })
  equal(hasError(), false)
  const java = await sampleStore(t)
  rmSync(join(java, 'checksums'), { recursive: true })
  deepEqual(found(java), [])
})

test('a checksum file whose entries do not ascend is moved aside by a repair', async (t) => {
  const root = await sampleStore(t)
  const name = readdirSync(join(root, 'checksums')).sort()[0]!
  const path = join(root, 'checksums', name)
  const bytes = contentsOf(join(root, 'checksums')).get(`/${name}`)!
  overwrite(path, 16, bytes.subarray(0, 8))
  deepEqual(found(root), [`warning CHECKSUM_FILE checksums/${name}`])
  const { after, aside } = await repairStore(root)
  deepEqual(after.findings, [])
  deepEqual(readdirSync(join(aside!, 'checksums')), [name])
})

for (const isStale of [true, false]) {
  test(`a ${isStale ? 'stale' : 'true'} recovery point does not keep a rebuild from looking at the whole log`, async (t) => {
    const root = await sampleStore(t)
    if (isStale) writePoint(root, { [PointField.LOGIC_MS]: 7 })
    const record = recordsOf(root)[50]!
    const { path, position } = placeOf(root, record.physicalOffset)
    flip(path, position + 100)
    ok(pointField(root, PointField.OFFSET) > record.physicalOffset)
    const { recovery, after, aside } = await rebuildStore(root, { keepOld: true })
    deepEqual([recovery.checkedFromOffset, recovery.dispatchedFromOffset, recovery.damagedRanges], [0, 0, 1])
    equal(after.isClean, true)
    ok(readdirSync(aside!).includes('recovery-point'))
    ok(readdirSync(join(root, 'checksums')).length > 3)
  })
}

test('a log with records that only their checksums tell keeps its recovery point in a rebuild', async (t) => {
  const root = await sampleStore(t)
  flipProperty(root, 50)
  const offset = pointField(root, PointField.OFFSET)
  const { recovery, after } = await rebuildStore(root)
  deepEqual([recovery.checkedFromOffset, recovery.dispatchedFromOffset, recovery.damagedRanges], [offset, 0, 1])
  deepEqual([after.isClean, after.alteredRecords, after.records], [true, 1, MESSAGES - 1])
})

test('with a recovery point behind it, damage in front of older records is no reason to refuse', async (t) => {
  const root = await sampleStore(t)
  rmSync(join(root, 'checksums'), { recursive: true })
  const records = recordsOf(root)
  const time = Buffer.alloc(8)
  time.writeBigInt64BE(BigInt(records[0]!.storeTimestampMs - 60_000))
  for (const { physicalOffset } of records.slice(51, 90)) {
    const { path, position } = placeOf(root, physicalOffset)
    overwrite(path, position + 56, time)
  }
  const { path, position } = placeOf(root, records[50]!.physicalOffset)
  flip(path, position + 100)
  const log = contentsOf(join(root, 'commitlog'))
  const { after } = await rebuildStore(root)
  deepEqual([after.isClean, after.records], [true, MESSAGES - 1], JSON.stringify(after.findings))
  deepEqual(contentsOf(join(root, 'commitlog')), log)
})

test('a store that was opened, written to and closed again and again, or never closed, has nothing against it', async (t) => {
  const root = await sampleStore(t)
  for (let round = 0; round < 4; round++) {
    const store = await openMessageStore(sampleOptions(root))
    const batch = new AppendBatch(10)
    for (let n = 0; n < 10; n++) addRow(batch, store.topic('Sample'), `body ${n}`, { tag: 'again' })
    store.append(batch)
    await whenDispatched(store)
    const asLeftByACrash = join(root, '..', `crashed-${round}`)
    cpSync(root, asLeftByACrash, { recursive: true })
    await store.close()
    deepEqual(found(root), [])
    const { isClean, findings } = verifyStore(asLeftByACrash)
    deepEqual([isClean, findings.some(({ code }) => code === 'RECOVERY_POINT')], [true, false])
  }
})
