import { deepEqual, equal } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import { DelayOffsets } from '../../../lib/broker/delay/delay-offsets.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { DelayBench } from '../support/delay-bench.ts'
import { testConfig, testFolder } from '../support/fixtures.ts'

const offsetsIn = async (t: TestContext, whenFlushed: (end: number) => Promise<void> = async () => undefined) => {
  const folder = await testFolder(t)
  const path = join(folder, 'config', 'delayOffset.json')
  const clock = new ManualClock()
  const options = { config: testConfig(folder), clock, logger: silentLogger, store: { whenFlushed } }
  return { path, clock, load: () => DelayOffsets.load(options) }
}

test("the file has Java's form, levels in order", async (t) => {
  const { path, load } = await offsetsIn(t)
  const offsets = await load()
  offsets.advance(18, 7, 100)
  offsets.advance(2, 5, 200)
  await offsets.stop()
  equal(readFileSync(path, 'utf8'), '{\n\t"offsetTable":{2:5,18:7\n\t}\n}')
  const again = await load()
  deepEqual([again.of(2), again.of(18), again.of(1)], [5, 7, 0])
  equal(again.encode(false).toString(), '{"offsetTable":{2:5,18:7}}')
  await again.stop()
})

test('what 5.x wrote beside the offsets stays', async (t) => {
  const { path, load } = await offsetsIn(t)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, '{"dataVersion":{"counter":3,"timestamp":9},"offsetTable":{3:4}}')
  const offsets = await load()
  offsets.advance(3, 5, 1)
  await offsets.stop()
  const stored = readFileSync(path, 'utf8')
  equal(stored.includes('3:5') && stored.includes('"counter":3'), true)
})

test('the file is written every flushDelayOffsetInterval, first after 10 s', async (t) => {
  const { path, clock, load } = await offsetsIn(t)
  const offsets = await load()
  offsets.advance(1, 5, 100)
  clock.advance(9_999)
  equal(existsSync(path), false)
  clock.advance(1)
  await waitFor('the file', () => {
    clock.advance(100)
    return existsSync(path)
  })
  await offsets.stop()
})

test('an offset is not written before the messages delivered up to there are on the device', async (t) => {
  const wanted: number[] = []
  let sync: () => void = () => undefined
  const { path, load } = await offsetsIn(t, (end) => {
    wanted.push(end)
    return new Promise((resolve) => {
      sync = resolve
    })
  })
  const offsets = await load()
  offsets.advance(1, 5, 100)
  const flushed = offsets.flush()
  await waitFor('the wish for a sync', () => wanted.length === 1)
  offsets.advance(1, 6, 200)
  equal(existsSync(path), false)
  sync()
  await flushed
  deepEqual([wanted, JSON.parse(readFileSync(path, 'utf8').replace('1:', '"1":'))], [[100], { offsetTable: { 1: 5 } }])
})

test('after a failed sync the file keeps what it says', async (t) => {
  let fails = false
  const { path, load } = await offsetsIn(t, async () => {
    if (fails) throw new Error('EIO')
  })
  const offsets = await load()
  offsets.advance(1, 5, 100)
  await offsets.flush()
  const before = readFileSync(path, 'utf8')
  fails = true
  offsets.advance(1, 6, 200)
  await offsets.stop()
  equal(readFileSync(path, 'utf8'), before)
})

test('delivery goes on after a restart where it was, and once more from the file after a crash', async (t) => {
  const bench = await DelayBench.start(t)
  for (const body of ['a', 'b']) await bench.send(body, 1)
  bench.clock.advance(1000)
  await bench.drain(1)
  await bench.offsets.stop()
  await bench.crash()
  await bench.drain(1)
  deepEqual(await bench.delivered(), ['a', 'b'])
  await bench.send('c', 1)
  bench.clock.advance(1000)
  await bench.drain(1)
  await bench.crash()
  await bench.drain(1)
  deepEqual(await bench.delivered(), ['a', 'b', 'c', 'c'])
})
