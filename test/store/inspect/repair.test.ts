import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMessageStore } from '../../../lib/store/index.ts'
import { planRepair, rebuildStore, repairStore } from '../../../lib/store/inspect/index.ts'
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
  sizeOf,
} from './support/sample-store.ts'

const queueFile = (root: string): string => join(root, 'consumequeue', 'Sample', '1', '00000000000000000000')

test('a rebuild gives the same queue files byte by byte, and an index of the same size', async (t) => {
  const root = await sampleStore(t)
  const queues = contentsOf(join(root, 'consumequeue'))
  const log = contentsOf(join(root, 'commitlog'))
  const report = await rebuildStore(root)
  deepEqual(contentsOf(join(root, 'consumequeue')), queues)
  equal(report.after.isClean, true)
  deepEqual(report.after.findings, [])
  deepEqual([report.after.records, report.after.queueEntries, report.after.indexItems], [MESSAGES, MESSAGES, MESSAGES])
  equal(report.aside, undefined)
  equal(
    readdirSync(root).some((name) => name.startsWith('aside')),
    false,
  )
  for (const [name, bytes] of log) deepEqual(contentsOf(join(root, 'commitlog')).get(name), bytes)
})

test('a rebuild makes queues and index that are gone, and keeps the old ones when asked', async (t) => {
  const root = await sampleStore(t)
  const queues = contentsOf(join(root, 'consumequeue'))
  const [index] = readdirSync(join(root, 'index'))
  overwrite(queueFile(root), 0, Buffer.alloc(40, 0xff))
  overwrite(join(root, 'index', index!), 60, Buffer.alloc(400, 0x11))
  const report = await rebuildStore(root, { keepOld: true, indexSlots: 101, indexItems: 150 })
  deepEqual(contentsOf(join(root, 'consumequeue')), queues)
  deepEqual(report.after.findings, [])
  ok(existsSync(join(report.aside!, 'consumequeue', 'Sample', '1')))
})

test('when the engine refuses, a rebuild puts everything back', async (t) => {
  const root = await sampleStore(t)
  const before = hashOf(root)
  await rejects(rebuildStore(root, { queueFileBytes: 2 ** 40 }), { code: 'STORE_INVALID_ARGUMENT' })
  equal(hashOf(root), before)
})

test('an open store is neither rebuilt nor repaired', async (t) => {
  const root = await sampleStore(t)
  await using _store = await openMessageStore(sampleOptions(root))
  await rejects(rebuildStore(root), { code: 'STORE_LOCKED' })
  await rejects(repairStore(root), { code: 'STORE_LOCKED' })
})

const tear = (root: string): void => {
  const { path, position } = placeOf(root, recordsOf(root).at(-1)!.physicalOffset)
  overwrite(path, position + 300, Buffer.alloc(200))
}

const damages: readonly (readonly [string, (root: string) => void, string[], number])[] = [
  ['a torn tail', tear, ['cut-tail'], MESSAGES - 1],
  ['a wrong queue entry', (root) => flip(queueFile(root), 107), ['remake'], MESSAGES],
  ['a wrong tag code', (root) => flip(queueFile(root), 119), ['remake'], MESSAGES],
  ['a queue file of another length', (root) => truncateSync(queueFile(root), 210), ['remake'], MESSAGES],
  [
    'a queue that is gone',
    (root) => rmSync(join(root, 'consumequeue', 'Sample', '1'), { recursive: true }),
    ['add-entries'],
    MESSAGES,
  ],
  [
    'a broken index',
    (root) => flip(join(root, 'index', readdirSync(join(root, 'index')).sort()[0]!), 40 + 101 * 4 + 7 * 20 + 3),
    ['remake'],
    MESSAGES,
  ],
  [
    'an untrue checkpoint',
    (root) => overwrite(join(root, 'checkpoint'), 0, Buffer.from([0x7f])),
    ['reset-checkpoint'],
    MESSAGES,
  ],
  [
    'stray and leftover files',
    (root) => {
      mkdirSync(join(root, 'config'))
      writeFileSync(join(root, 'config', 'topics.json.tmp'), '')
      writeFileSync(join(root, 'commitlog', 'notes.txt'), '')
      writeFileSync(join(root, 'consumequeue', 'Sample', '1', 'x'), '')
    },
    ['set-aside', 'set-aside', 'set-aside'],
    MESSAGES,
  ],
  [
    'a broken configuration file with a good backup',
    (root) => {
      mkdirSync(join(root, 'config'))
      writeFileSync(join(root, 'config', 'topics.json'), '{')
      writeFileSync(join(root, 'config', 'topics.json.bak'), '{}')
    },
    ['set-aside'],
    MESSAGES,
  ],
]

for (const [what, damage, actions, records] of damages) {
  test(`repair of ${what}: a dry run changes nothing, then the store verifies clean`, async (t) => {
    const root = await sampleStore(t)
    damage(root)
    const before = hashOf(root)
    const plan = planRepair(root)
    deepEqual(
      plan.actions.map(({ action }) => action),
      actions,
    )
    deepEqual(plan.unrepaired, [])
    equal(hashOf(root), before)
    const result = await repairStore(root)
    deepEqual(result.after.findings, [])
    equal(result.after.records, records)
    equal(result.after.queueEntries, records)
    // A second look finds nothing to do.
    deepEqual(planRepair(root).actions, [])
    const store = await openMessageStore(sampleOptions(root))
    equal(store.recovery.wasClean, true)
    await store.close()
  })
}

test('a last segment that was cut short gets its length back and keeps its records', async (t) => {
  const root = await sampleStore(t)
  const last = recordsOf(root).at(-1)!
  const { path, position } = placeOf(root, last.physicalOffset)
  truncateSync(path, position + last.sizeBytes)
  for (const name of readdirSync(join(root, 'commitlog'))) {
    if (Number(name) > last.physicalOffset) rmSync(join(root, 'commitlog', name))
  }
  deepEqual(
    planRepair(root).actions.map(({ action }) => action),
    ['extend'],
  )
  const result = await repairStore(root)
  deepEqual(result.after.findings, [])
  equal(result.after.records, MESSAGES)
  equal(sizeOf(path), SEGMENT_BYTES)
})
