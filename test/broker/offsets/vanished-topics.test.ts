import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { ConsumerOffsets } from '../../../lib/broker/offsets/consumer-offsets.ts'
import { dropVanishedTopics } from '../../../lib/broker/offsets/vanished-topics.ts'
import { tableOptions } from '../support/fixtures.ts'

test('offsets go when their topic is gone from the table and the disk, and its group does not want it', async (t) => {
  const options = await tableOptions(t)
  const offsets = await ConsumerOffsets.load(options)
  for (const topic of ['Known', 'OnDisk', 'Wanted', 'Gone']) offsets.commit('G', topic, 0, 1)
  const dropping = dropVanishedTopics({
    ...options,
    offsets,
    topics: { get: (topic) => (topic === 'Known' ? {} : undefined) },
    consumers: { subscription: (_group, topic) => (topic === 'Wanted' ? {} : undefined) },
    store: { queues: () => [{ topic: 'OnDisk' }] },
  })
  options.clock.advance(3_600_000)
  deepEqual(offsets.topicsOf('G'), ['Known', 'OnDisk', 'Wanted'])
  dropping.cancel()
  await offsets.stop()
})
