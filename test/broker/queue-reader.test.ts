import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { StoreQueues } from '../../lib/broker/queue-reader.ts'
import { openTestStore } from '../store/support/store-fixture.ts'

test('queues of names that no store can have are empty, whatever the topic table says', async (t) => {
  const store = await openTestStore(t)
  const queues = new StoreQueues(
    store,
    () => true,
    () => 0,
  )
  for (const name of [`%RETRY%${'g'.repeat(127)}`, '../x', '']) {
    deepEqual(queues.range(name, 0), { min: 0, max: 0 })
    equal(queues.offsetByTime(name, 0, 1), 0)
    equal(queues.storeTimeAt(name, 0, 0), -1)
  }
})
