import { deepEqual, equal, ok } from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMessageStore, type RecoveryProgress } from '../../lib/store/index.ts'
import { appendBodies, smallStore, temporaryDirectory } from './support/store-fixture.ts'

test('opening tells how far it has come, phase by phase, before it is done', async (t) => {
  const directory = await temporaryDirectory(t)
  const first = await openMessageStore(smallStore(directory))
  appendBodies(first, first.topic('T'), ['body'])
  await first.close()
  await rm(join(directory, 'recovery-point'))

  const told: RecoveryProgress[] = []
  const store = await openMessageStore(smallStore(directory, { onRecoveryProgress: (progress) => told.push(progress) }))
  const toldWhenOpen = told.length
  ok(toldWhenOpen > 0)
  deepEqual(told.at(-1), {
    phase: 'dispatch',
    doneBytes: store.recovery.endOffset,
    totalBytes: store.recovery.endOffset,
  })
  equal(store.recovery.damagedRanges, 0)
  await store.close()
  equal(told.length, toldWhenOpen)
})
