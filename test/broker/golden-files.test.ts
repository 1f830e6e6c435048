import { deepEqual, equal } from 'node:assert/strict'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConsumerFilters } from '../../lib/broker/filters/consumer-filters.ts'
import { SqlFilters } from '../../lib/broker/filters/sql-filters.ts'
import { SubscriptionGroupTable } from '../../lib/broker/groups/group-table.ts'
import { ConsumerOffsets } from '../../lib/broker/offsets/consumer-offsets.ts'
import { TopicTable } from '../../lib/broker/topics/topic-table.ts'
import { BloomFilter } from '../../lib/filter/index.ts'
import { decodeConsumerFilters, encodeConsumerFilters } from '../../lib/protocol/bodies/consumer-filters.ts'
import { tableOptions } from './support/fixtures.ts'

// golden/ holds the files (with a suffix that keeps formatters away) of a Java broker 4.9.7 named "golden", as it left them at a clean stop.

const golden = (name: string): URL => new URL(`golden/${name}.golden`, import.meta.url)

const optionsWith = async (t: Parameters<typeof tableOptions>[0], name: string) => {
  const options = await tableOptions(t, { brokerName: 'golden' })
  await mkdir(join(options.folder, 'config'))
  await copyFile(golden(name), join(options.folder, 'config', name))
  return options
}

/** Java lists entries in the order of its hash table: the same lines count, not their order. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/,$/, ''))
    .sort()

test('topics.json of Java is read, and written with the same lines', async (t) => {
  const table = await TopicTable.load(await optionsWith(t, 'topics.json'))
  const { readQueueNums, writeQueueNums, topicFilterType, topicSysFlag } = table.get('Orders')!
  deepEqual([readQueueNums, writeQueueNums, topicFilterType, topicSysFlag], [4, 2, 'MULTI_TAG', 1])
  deepEqual(linesOf(table.encode(true).toString()), linesOf(await readFile(golden('topics.json'), 'utf8')))
})

test('subscriptionGroup.json of Java is read, and written with the same lines', async (t) => {
  const table = await SubscriptionGroupTable.load(await optionsWith(t, 'subscriptionGroup.json'))
  deepEqual([table.get('G1')?.retryMaxTimes, table.get('G1')?.consumeBroadcastEnable], [3, false])
  deepEqual(linesOf(table.encode(true).toString()), linesOf(await readFile(golden('subscriptionGroup.json'), 'utf8')))
})

test('consumerOffset.json of Java is read, and written byte for byte', async (t) => {
  const offsets = await ConsumerOffsets.load(await optionsWith(t, 'consumerOffset.json'))
  deepEqual([offsets.find('G1', 'Orders', 0), offsets.find('G1', 'Orders', 1)], [5, 9_007_199_254_740_000])
  equal(offsets.find('G2', '%RETRY%G2', 0), 1)
  equal(offsets.encode(true).toString(), await readFile(golden('consumerOffset.json'), 'utf8'))
  await offsets.stop()
})

test('consumerFilter.json of Java is read, and written byte for byte', async () => {
  const text = await readFile(golden('consumerFilter.json'), 'utf8')
  equal(encodeConsumerFilters(decodeConsumerFilters(text)).toString(), text)
})

test('consumers of a consumerFilter.json of Java have their filters, and the bits that Java gave them', async (t) => {
  const options = { ...(await optionsWith(t, 'consumerFilter.json')), sql: new SqlFilters() }
  const filters = await ConsumerFilters.load(options)
  equal(filters.find('Orders', 'G1')?.compiled.expression, "price > 5 AND region IN ('eu', 'it''s')")
  deepEqual([filters.size, filters.find('Orders', 'G2')?.data.clientVersion], [3, 7])
  const bloom = new BloomFilter(20, 32)
  for (const groups of decodeConsumerFilters(filters.encode()).values()) {
    for (const { consumerGroup, topic, bloomFilterData } of groups.values()) {
      deepEqual(bloomFilterData, bloom.dataOf(`${consumerGroup}#${topic}`))
    }
  }
  await filters.stop()
})
