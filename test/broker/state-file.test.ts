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

test('a state that takes long to make never replaces a later one', async (t) => {
  const path = join(await testFolder(t), 'state.json')
  const clock = new ManualClock()
  const finish: (() => void)[] = []
  const encode = (): Promise<Buffer> => {
    const nth = finish.length
    return new Promise((resolve) => finish.push(() => resolve(Buffer.from(`${nth}`))))
  }
  const file = new StateFile({ path, clock, logger: silentLogger, encode })
  file.changed()
  clock.advance(100)
  await waitFor('the first', () => finish.length === 1)
  file.changed()
  clock.advance(100)
  const stopped = file.stop()
  finish[0]!()
  await waitFor('the second', () => finish.length === 2)
  equal(await readFile(path, 'utf8'), '0')
  finish[1]!()
  await stopped
  equal(await readFile(path, 'utf8'), '1')
})
