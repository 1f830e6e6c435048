import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { waitFor } from '../support/wait-for.ts'
import { appendBodies, openTestStore, whenDispatched } from './support/store-fixture.ts'

test('a watched queue is told once when it grows', async (t) => {
  const store = await openTestStore(t)
  const watched = store.topic('Watched')
  const other = store.topic('Other')
  const arrivals: string[] = []
  store.onArrival((topic, queueId) => arrivals.push(`${topic}:${queueId}`))
  appendBodies(store, watched, ['zero'], { queueId: 2 })
  await whenDispatched(store)
  store.watch(watched, 2, 1)
  appendBodies(store, other, ['x'], { queueId: 2 })
  appendBodies(store, watched, ['x'], { queueId: 1 })
  appendBodies(store, watched, ['one'], { queueId: 2 })
  await waitFor('the arrival', () => arrivals.length > 0, { everyMs: 1 })
  appendBodies(store, watched, ['two'], { queueId: 2 })
  await whenDispatched(store)
  await new Promise((resolve) => setImmediate(resolve))
  deepEqual(arrivals, [`${watched}:2`])
})

test('a queue that is already beyond is told at once, also to a listener that comes later', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Early')
  appendBodies(store, topic, ['zero'])
  await whenDispatched(store)
  store.watch(topic, 0, 0)
  await new Promise((resolve) => setImmediate(resolve))
  const arrival = new Promise<number>((resolve) => store.onArrival((_, queueId) => resolve(queueId)))
  equal(await arrival, 0)
})

test('more queues than one call takes are all told', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Wide')
  const queueIds = Array.from({ length: 700 }, (_, index) => index)
  const told = new Set<number>()
  store.onArrival((_, queueId) => told.add(queueId))
  for (const queueId of queueIds) store.watch(topic, queueId, 0)
  for (const queueId of queueIds) appendBodies(store, topic, ['x'], { queueId })
  await waitFor('every arrival', () => told.size === queueIds.length, { everyMs: 1 })
})

test('a listener may watch again', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Again')
  let arrivals = 0
  store.onArrival((arrived, queueId) => {
    arrivals++
    const { max } = store.bounds(arrived, queueId)!
    if (max < 5) {
      store.watch(arrived, queueId, max)
      appendBodies(store, arrived, ['next'])
    }
  })
  store.watch(topic, 0, 0)
  appendBodies(store, topic, ['first'])
  await waitFor('five rounds', () => arrivals >= 5, { everyMs: 1 })
})

test('whoever waits for more messages is not told by the arrival that another has waited for', async (t) => {
  const store = await openTestStore(t)
  const topic = store.topic('Patient')
  let isPatientTold = false
  const patient = store.whenArrived(topic, 0, 2).then(() => {
    isPatientTold = true
  })
  const first = store.whenArrived(topic, 0, 0)
  appendBodies(store, topic, ['zero', 'one'])
  await first
  await whenDispatched(store)
  await new Promise((resolve) => setImmediate(resolve))
  equal(isPatientTold, false)
  appendBodies(store, topic, ['two'])
  await patient
  equal(store.bounds(topic, 0)?.max, 3)
})
