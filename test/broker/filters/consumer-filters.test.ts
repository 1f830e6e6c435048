import { deepEqual, equal } from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConsumerFilters, MAX_FILTERS } from '../../../lib/broker/filters/consumer-filters.ts'
import { SqlFilters } from '../../../lib/broker/filters/sql-filters.ts'
import type { SubscriptionData } from '../../../lib/protocol/bodies/subscription-data.ts'
import { tableOptions } from '../support/fixtures.ts'

const sub = (topic: string, subString: string, subVersion = 1, expressionType = 'SQL92'): SubscriptionData => ({
  ...{ topic, subString, subVersion, expressionType },
  ...{ tagsSet: [], codeSet: [], classFilterMode: false },
})

const setUp = async (t: TestContext, properties: Record<string, string> = {}) => {
  const options = { ...(await tableOptions(t, properties)), sql: new SqlFilters() }
  const path = join(options.folder, 'config', 'consumerFilter.json')
  const load = () => ConsumerFilters.load(options)
  const saved = async () => JSON.parse(await readFile(path, 'utf8')).filterDataByTopic
  return { ...options, path, load, saved, table: await load() }
}

const shown = (table: ConsumerFilters, topic = 'T', group = 'G'): unknown => {
  const found = table.find(topic, group)
  return found === undefined ? undefined : [found.compiled.expression, found.data.clientVersion]
}

test('a group has the filter of its newest subscription, and none on topics it names tags of', async (t) => {
  const { table } = await setUp(t)
  table.register('G', [sub('T', 'a > 1', 5), sub('Tags', '*', 5, 'TAG'), sub('None', '', 5)])
  deepEqual([shown(table), shown(table, 'Tags'), shown(table, 'None')], [['a > 1', 5], undefined, undefined])
  table.register('G', [sub('T', 'a > 2', 5)])
  deepEqual(shown(table), ['a > 1', 5])
  table.register('G', [sub('T', 'a > 2', 6)])
  deepEqual(shown(table), ['a > 2', 6])
  table.register('G', [sub('T', 'a > 2', 7)])
  deepEqual(shown(table), ['a > 2', 7])
  await table.stop()
})

test('a new filter that does not compile, or of an unknown type, removes the one before it', async (t) => {
  const { table } = await setUp(t)
  table.register('G', [sub('T', 'a >', 1)])
  equal(shown(table), undefined)
  for (const [version, expression, type] of [
    [2, 'a >', 'SQL92'],
    [4, 'a > 1', 'CLASS'],
  ] as const) {
    table.register('G', [sub('T', 'a > 1', version - 1)])
    deepEqual(shown(table), ['a > 1', version - 1])
    table.register('G', [sub('T', expression, version, type)])
    equal(shown(table), undefined)
  }
  await table.stop()
})

test('the file has what Java writes, and is read when the broker starts again', async (t) => {
  const { table, saved, load, clock } = await setUp(t)
  table.register('G', [sub('T', "a IN ('x')", 5)])
  await table.stop()
  deepEqual(await saved(), {
    T: {
      groupFilterData: {
        G: {
          bloomFilterData: { bitNum: 112, bitPos: [24, 26, 83] },
          bornTime: clock.nowMs(),
          clientVersion: 5,
          consumerGroup: 'G',
          dead: false,
          deadTime: 0,
          expression: "a IN ('x')",
          expressionType: 'SQL92',
          topic: 'T',
        },
      },
      topic: 'T',
    },
  })
  const again = await load()
  deepEqual(shown(again), ["a IN ('x')", 5])
  await again.stop()
})

test('filters of groups that went are dead, alive again when they come back, and gone after a day', async (t) => {
  const { table, saved, clock } = await setUp(t)
  const dead = async (): Promise<unknown> => {
    await table.flush()
    return (await saved()).T?.groupFilterData.G.dead
  }
  table.register('G', [sub('T', 'a > 1')])
  table.unregister('G')
  equal(await dead(), true)
  table.register('G', [sub('T', 'a > 1')])
  equal(await dead(), false)
  table.register('G', [sub('Other', 'a > 1')])
  equal(await dead(), true)
  clock.advance(86_400_000 - 1)
  deepEqual(shown(table), ['a > 1', 1])
  clock.advance(10_000)
  deepEqual([shown(table), shown(table, 'Other'), await dead()], [undefined, ['a > 1', 1], undefined])
  await table.stop()
})

test('what was stored with a bloom filter of other sizes is ignored, what cannot be compiled is left out', async (t) => {
  const { path, folder, load } = await setUp(t)
  const stored = (consumerGroup: string, expression: string, bits: number[]) => ({
    ...{ topic: 'T', consumerGroup, expression, expressionType: 'SQL92', bornTime: 1, deadTime: 0, clientVersion: 1 },
    bloomFilterData: { bitNum: 112, bitPos: bits },
  })
  const write = async (groupFilterData: object): Promise<void> => {
    await mkdir(join(folder, 'config'), { recursive: true })
    await writeFile(path, JSON.stringify({ filterDataByTopic: { T: { topic: 'T', groupFilterData } } }))
  }
  await write({ G: stored('G', 'a > 1', [1, 2, 3]), H: stored('H', 'a >', [1, 2, 3]) })
  const table = await load()
  deepEqual([shown(table, 'T', 'G'), shown(table, 'T', 'H')], [['a > 1', 1], undefined])
  await table.stop()
  await write({ G: stored('G', 'a > 1', [1, 2, 3]), H: stored('H', 'a > 1', [1, 2]) })
  const other = await load()
  equal(other.size, 0)
  await other.stop()
})

test('filters beyond the cap are not taken', async (t) => {
  const { table } = await setUp(t)
  for (let i = 0; i <= MAX_FILTERS; i++) table.register(`G${i}`, [sub('T', 'a > 1')])
  equal(table.size, MAX_FILTERS)
  table.register('G1', [sub('T', 'a > 2', 2)])
  deepEqual(shown(table, 'T', 'G1'), ['a > 2', 2])
  await table.stop()
})
