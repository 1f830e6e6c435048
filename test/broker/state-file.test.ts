import { equal, rejects } from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../lib/base/logging.ts'
import { StateFile } from '../../lib/broker/state-file.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { testFolder } from './support/fixtures.ts'

test('a change that a handler could not write is tried again by itself', async (t) => {
  const folder = join(await testFolder(t), 'config')
  const path = join(folder, 'state.json')
  const clock = new ManualClock()
  const file = new StateFile({ path, clock, logger: silentLogger, encode: () => Buffer.from('{"new":1}') })
  await writeFile(folder, 'a file where the folder belongs')
  file.changed()
  await rejects(file.flush())
  await rm(folder)
  await mkdir(folder)
  clock.advance(1_000)
  await waitFor('the file', async () => (await readFile(path, 'utf8').catch(() => '')) === '{"new":1}')
  await file.stop()
  equal(clock.timers, 0)
})
