import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConsumerOffsets } from '../../../lib/broker/offsets/consumer-offsets.ts'
import { waitFor } from '../../support/wait-for.ts'
import { tableOptions } from '../support/fixtures.ts'

test('an offset is kept as committed, beyond any queue, and there after a restart', async (t) => {
  const options = await tableOptions(t)
  const offsets = await ConsumerOffsets.load(options)
  ok(offsets.commit('G', 'T', 0, 5))
  ok(offsets.commit('G', 'T', 1, Number.MAX_SAFE_INTEGER))
  ok(offsets.commit('H', '%RETRY%H', 0, 0))
  await offsets.stop()
  const again = await ConsumerOffsets.load(options)
  deepEqual([again.find('G', 'T', 0), again.find('G', 'T', 1)], [5, Number.MAX_SAFE_INTEGER])
  equal(again.find('G', 'T', 2), undefined)
  equal(again.find('G', 'Other', 0), undefined)
  equal(again.size, 2)
  await again.stop()
})

test('the file has the form of Java: topic@group, bare numbers as keys', async (t) => {
  const options = await tableOptions(t)
  const offsets = await ConsumerOffsets.load(options)
  offsets.commit('G', 'T', 0, 5)
  offsets.commit('G', 'T', 1, 7)
  await offsets.stop()
  const text = await readFile(join(options.folder, 'config/consumerOffset.json'), 'utf8')
  equal(text, '{\n\t"offsetTable":{\n\t\t"T@G":{0:5,1:7\n\t\t}\n\t}\n}')
})

test('offsets are written every flushConsumerOffsetInterval, the first time after 10 s', async (t) => {
  const options = await tableOptions(t)
  const file = join(options.folder, 'config/consumerOffset.json')
  const offsets = await ConsumerOffsets.load(options)
  offsets.commit('G', 'T', 0, 5)
  options.clock.advance(9_999)
  await rejects(readFile(file), { code: 'ENOENT' })
  options.clock.advance(101)
  await waitFor('the file', async () => (await readFile(file, 'utf8')).includes('0:5'))
  await offsets.stop()
})

test('numbers that are no offsets are not stored', async (t) => {
  const offsets = await ConsumerOffsets.load(await tableOptions(t))
  for (const [queueId, offset] of [
    [0, 2 ** 53],
    [-1, 0],
    [65_536, 0],
    [0, Number.NaN],
  ] as const) {
    equal(offsets.commit('G', 'T', queueId, offset), false)
  }
  equal(offsets.size, 0)
  await offsets.stop()
})

test('topics of a group, groups of a topic, and the end of a group', async (t) => {
  const offsets = await ConsumerOffsets.load(await tableOptions(t))
  offsets.commit('G', 'A', 0, 1)
  offsets.commit('G', 'B', 0, 1)
  offsets.commit('H', 'A', 0, 1)
  deepEqual(
    [offsets.topicsOf('G'), offsets.groupsOf('A')],
    [
      ['A', 'B'],
      ['G', 'H'],
    ],
  )
  offsets.removeGroup('G')
  deepEqual([offsets.topicsOf('G'), offsets.groupsOf('A'), offsets.size], [[], ['H'], 1])
  await offsets.stop()
})

test('a broken file gives way to its previous generation', async (t) => {
  const options = await tableOptions(t)
  await mkdir(join(options.folder, 'config'))
  await writeFile(join(options.folder, 'config/consumerOffset.json'), 'garbage')
  await writeFile(join(options.folder, 'config/consumerOffset.json.bak'), '{"offsetTable":{"T@G":{0:9}}}')
  const offsets = await ConsumerOffsets.load(options)
  equal(offsets.find('G', 'T', 0), 9)
  await offsets.stop()
})

test('a client that invents queues gets no further than the cap, known queues go on', async (t) => {
  const offsets = await ConsumerOffsets.load({ ...(await tableOptions(t)), maxOffsets: 3 })
  for (const queueId of [0, 1, 2]) ok(offsets.commit('G', 'T', queueId, 5))
  equal(offsets.commit('G', 'T', 3, 5), false)
  equal(offsets.commit('H', 'T', 0, 5), false)
  ok(offsets.commit('G', 'T', 0, 6))
  offsets.removeGroup('G')
  ok(offsets.commit('H', 'T', 0, 5))
  await offsets.stop()
})

test('offsets of a topic go with it, one group at a time or all', async (t) => {
  const offsets = await ConsumerOffsets.load(await tableOptions(t))
  t.after(() => offsets.stop())
  offsets.commit('A', 'T', 0, 1)
  offsets.commit('B', 'T', 0, 2)
  offsets.commit('A', 'U', 0, 3)
  equal(offsets.remove('A', 'T'), true)
  equal(offsets.remove('A', 'T'), false)
  deepEqual(
    [...offsets.pairs()].map(({ topic, group }) => `${topic}@${group}`),
    ['T@B', 'U@A'],
  )
  offsets.removeTopic('T')
  deepEqual([offsets.size, offsets.find('B', 'T', 0), offsets.find('A', 'U', 0)], [1, undefined, 3])
})

test('a copy of offsets is no larger than the table allows, and changes nothing then', async (t) => {
  const offsets = await ConsumerOffsets.load({ ...(await tableOptions(t)), maxOffsets: 3 })
  t.after(() => offsets.stop())
  offsets.commit('A', 'T', 0, 1)
  offsets.commit('A', 'T', 1, 1)
  offsets.commit('B', 'T', 7, 9)
  equal(offsets.copy('A', 'C', 'T'), false)
  equal(offsets.copy('A', 'A', 'T'), false)
  equal(offsets.copy('B', 'C', 'U'), false)
  equal(offsets.copy('B', 'A', 'T'), true)
  deepEqual([...offsets.queuesOf('A', 'T')], [[7, 9]])
})

test('a large table is written in turns, and what changes meanwhile is in the next file', async (t) => {
  const options = await tableOptions(t)
  const table = await ConsumerOffsets.load(options)
  for (let i = 0; i < 5000; i++) table.commit('G', `Topic${i}`, 0, 1)
  const written = table.flush()
  let turns = 0
  const count = (): void => {
    turns += 1
    if (turns < 4) setImmediate(count)
  }
  setImmediate(count)
  setImmediate(() => table.commit('G', 'Topic4999', 0, 2))
  await written
  ok(turns >= 4)
  await table.flush()
  const again = await ConsumerOffsets.load(options)
  deepEqual([again.size, again.find('G', 'Topic0', 0), again.find('G', 'Topic4999', 0)], [5000, 1, 2])
  for (const one of [table, again]) await one.stop()
})
