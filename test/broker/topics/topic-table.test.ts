import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { MAX_QUEUES, TopicTable, type TopicWish } from '../../../lib/broker/topics/topic-table.ts'
import { topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { tableOptions } from '../support/fixtures.ts'

const wish: TopicWish = {
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  remoteAddress: '127.0.0.1:1',
  topicSysFlag: 0,
}

const HOSTILE_NAMES = ['../x', 'a/b', 'x'.repeat(128), 'a\u0000b', 'a\nb', '', ' ', 'größe', 'a.b']

test('a broker starts with the topics of Java 4.9', async (t) => {
  const table = await TopicTable.load(await tableOptions(t))
  const rows = [...table.all()].map(({ topicName, readQueueNums, perm }) => [topicName, readQueueNums, perm])
  deepEqual(rows, [
    ['SELF_TEST_TOPIC', 1, 6],
    ['TBW102', 8, 7],
    ['BenchmarkTest', 1024, 6],
    ['DefaultCluster', 16, 7],
    ['broker-a', 1, 7],
    ['OFFSET_MOVED_EVENT', 1, 6],
    ['SCHEDULE_TOPIC_XXXX', 18, 6],
    ['DefaultCluster_REPLY_TOPIC', 1, 6],
  ])
  ok(table.system.has('broker-a') && table.system.has('RMQ_SYS_TRANS_HALF_TOPIC') && !table.system.has('Orders'))
})

test('the trace topic is there when enabled, TBW102 not without auto-creation', async (t) => {
  const table = await TopicTable.load(
    await tableOptions(t, { traceTopicEnable: 'true', autoCreateTopicEnable: 'false' }),
  )
  equal(table.get('RMQ_SYS_TRACE_TOPIC')?.writeQueueNums, 1)
  equal(table.get('TBW102'), undefined)
})

test('a first message makes its topic with the smaller number of queues', async (t) => {
  const table = await TopicTable.load(await tableOptions(t, { defaultTopicQueueNums: '6' }))
  const before = table.version
  equal(table.createOnSend('Few', wish)?.writeQueueNums, 4)
  equal(table.createOnSend('Many', { ...wish, defaultTopicQueueNums: 100 })?.readQueueNums, 6)
  equal(table.createOnSend('None', { ...wish, defaultTopicQueueNums: -1 })?.writeQueueNums, 0)
  equal(table.get('Few')?.perm, 6)
  ok(table.version > before)
  deepEqual(table.dataVersion.counter, 3)
})

test('a topic is not made from a default topic that is missing or keeps its settings', async (t) => {
  const table = await TopicTable.load(await tableOptions(t))
  equal(table.createOnSend('New', { ...wish, defaultTopic: 'Nowhere' }), undefined)
  equal(table.createOnSend('New', { ...wish, defaultTopic: 'BenchmarkTest' }), undefined)
})

test('without auto-creation a TBW102 left in the file makes no topics', async (t) => {
  const options = await tableOptions(t, { autoCreateTopicEnable: 'false' })
  const table = await TopicTable.load(options)
  table.update(topicConfig('TBW102', { perm: 7 }))
  equal(table.createOnSend('New', wish), undefined)
  equal(table.get('TBW102')?.perm, 6)
})

for (const name of HOSTILE_NAMES) {
  test(`no topic is ever named ${JSON.stringify(name).slice(0, 20)}`, async (t) => {
    const table = await TopicTable.load(await tableOptions(t))
    equal(table.createOnSend(name, wish), undefined)
    equal(table.createOnSendBack(name, 1, 6, 0), undefined)
    throws(() => table.update(topicConfig(name)), { code: 'TOPIC_INVALID' })
    equal(table.get(name), undefined)
  })
}

test('queue numbers and permissions out of range are refused', async (t) => {
  const table = await TopicTable.load(await tableOptions(t))
  throws(() => table.update(topicConfig('T', { readQueueNums: MAX_QUEUES + 1 })), { code: 'TOPIC_INVALID' })
  throws(() => table.update(topicConfig('T', { writeQueueNums: -1 })), { code: 'TOPIC_INVALID' })
  throws(() => table.update(topicConfig('T', { perm: 16 })), { code: 'TOPIC_INVALID' })
})

test('what was changed is there after a restart', async (t) => {
  const options = await tableOptions(t)
  const table = await TopicTable.load(options)
  table.update(topicConfig('Orders', { readQueueNums: 3, topicFilterType: 'MULTI_TAG' }))
  table.createOnSend('Gone', wish)
  ok(table.delete('Gone'))
  ok(!table.delete('Gone'))
  await table.stop()
  const again = await TopicTable.load(options)
  deepEqual(again.get('Orders'), table.get('Orders'))
  equal(again.get('Gone'), undefined)
  deepEqual(again.dataVersion, table.dataVersion)
})

test('changes are collected and written a moment later', async (t) => {
  const options = await tableOptions(t)
  const table = await TopicTable.load(options)
  table.update(topicConfig('Orders'))
  await rejects(readFile(join(options.folder, 'config/topics.json')), { code: 'ENOENT' })
  options.clock.advance(100)
  await table.flush()
  ok((await readFile(join(options.folder, 'config/topics.json'), 'utf8')).includes('"Orders":{'))
})

test('a broken topics.json gives way to its previous generation', async (t) => {
  const options = await tableOptions(t)
  const table = await TopicTable.load(options)
  table.update(topicConfig('First'))
  await table.flush()
  table.update(topicConfig('Second'))
  await table.stop()
  await writeFile(join(options.folder, 'config/topics.json'), '{"dataVersion":{"cou')
  const again = await TopicTable.load(options)
  ok(again.get('First') !== undefined)
  equal(again.get('Second'), undefined)
})

test('two broken generations are an error, not an empty table', async (t) => {
  const options = await tableOptions(t)
  await mkdir(join(options.folder, 'config'))
  for (const name of ['topics.json', 'topics.json.bak']) await writeFile(join(options.folder, 'config', name), '{')
  await rejects(TopicTable.load(options), { code: 'FILE_UNREADABLE' })
})

test('name servers decide which topics are ordered', async (t) => {
  const table = await TopicTable.load(await tableOptions(t))
  table.update(topicConfig('A'))
  table.update(topicConfig('B', { order: true }))
  const changed: string[] = []
  table.onChange(({ topicName }) => changed.push(topicName))
  table.setOrdered(new Set(['A', 'Unknown']))
  deepEqual([table.get('A')?.order, table.get('B')?.order], [true, false])
  deepEqual(changed, ['A', 'B'])
})
