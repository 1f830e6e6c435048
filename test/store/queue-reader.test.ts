import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageStore } from '../../lib/store/index.ts'
import { QueueReader } from '../../lib/store/queue-reader.ts'
import { PullStatus } from '../../lib/store/status.ts'
import { appendBodies, openTestStore } from './support/store-fixture.ts'

/** The store as it is when every message is on disk only until it was read ahead. */
const coldStore = (store: MessageStore) => {
  const calls: string[] = []
  const cold = Object.create(store, {
    pull: {
      value: (...args: Parameters<MessageStore['pull']>) => {
        calls.push(`pull ${args[9]}`)
        store.pull(...args)
        if (args[9] === false && args[8].status === PullStatus.FOUND) args[8].cells[0] = PullStatus.NOT_IN_MEMORY
      },
    },
    readAhead: {
      value: async (...args: Parameters<MessageStore['readAhead']>) => {
        calls.push(`ahead ${args[2]}`)
        return await store.readAhead(...args)
      },
    },
  })
  // What is not replaced runs on the store itself: its private fields belong to no other object.
  const bound = new Proxy(cold as MessageStore, {
    get: (target, name) => {
      if (Object.hasOwn(target, name)) return Reflect.get(target, name)
      const value = Reflect.get(store, name, store)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
  return { store: bound, calls }
}

test('messages that are on disk only are read ahead by the store, then pulled', async (t) => {
  const warm = await openTestStore(t)
  const topic = warm.topic('T')
  appendBodies(warm, topic, ['a', 'b', 'c'])
  await warm.whenDispatched(warm.watermarks.appended)
  const { store, calls } = coldStore(warm)
  const reader = new QueueReader(store, () => warm.watermarks.appended)
  const queue = { topic, queueId: 0, tags: undefined }
  const { messages } = await reader.read(queue, 1, 10, 1000)
  deepEqual(
    messages.map(({ body }) => body.toString()),
    ['b', 'c'],
  )
  deepEqual(calls, ['pull false', 'ahead 1', 'pull true'])
  let count = 0
  for await (const { queueOffset } of reader.scan(queue, undefined, undefined, 1)) equal(queueOffset, count++)
  equal(count, 3)
})
