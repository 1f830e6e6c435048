import { deepEqual, equal, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppendBatch, openMessageStore } from '../../../lib/store/index.ts'
import { DEFAULT_DELAY_LEVELS_MS, indexKeyHash } from '../../../lib/store/inspect/dispatch-rule.ts'
import { verifyStore } from '../../../lib/store/inspect/index.ts'
import { addRow, temporaryDirectory, whenDispatched } from '../support/store-fixture.ts'
import { sampleOptions } from './support/sample-store.ts'

const PREPARED = 4
const COMMIT = 8
const ROLLBACK = 12

test('delayed messages carry their delivery time, prepared and rolled back ones no entry', async (t) => {
  const root = join(await temporaryDirectory(t), 'store')
  const store = await openMessageStore({ ...sampleOptions(root), delayLevelsMs: DEFAULT_DELAY_LEVELS_MS })
  const batch = new AppendBatch(8)
  const delayed = store.topic('SCHEDULE_TOPIC_XXXX')
  for (const level of ['1', '3', '18', '99']) addRow(batch, delayed, 'later', { tag: `x\x02DELAY\x01${level}` })
  const plain = store.topic('Plain')
  for (const sysFlag of [0, PREPARED, ROLLBACK, COMMIT]) addRow(batch, plain, 'b', { sysFlag, tag: 'ü', keys: 'k' })
  store.append(batch)
  await whenDispatched(store)
  await store.close()

  const report = verifyStore(root)
  deepEqual(report.findings, [])
  deepEqual([report.records, report.queueEntries, report.indexItems], [8, 6, 3])

  // Which time a level stands for is configuration: others are odd, not damage.
  const other = verifyStore(root, { delayLevelsMs: [7_000] })
  equal(other.isClean, true)
  ok(other.findings.every(({ severity, code }) => severity === 'warning' && code === 'QUEUE_TAG_CODE'))
  equal(other.counts.warning, 4)
})

test('an index key is hashed as Java does', () => {
  equal(indexKeyHash('a', 'b'), 97 * 31 * 31 + 35 * 31 + 98)
  ok(indexKeyHash('Topic', 'a key with a negative hash, of which the absolute counts') >= 0)
})
