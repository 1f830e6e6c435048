import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageQueue } from '../../lib/client/message.ts'
import { allocateQueues } from '../../lib/client/queue-allocation.ts'

const queues = (count: number): MessageQueue[] =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 'T', brokerName: 'b', queueId }))

const shares = (members: readonly string[], count: number): number[][] =>
  members.map((member) => allocateQueues(member, members, queues(count)).map(({ queueId }) => queueId))

test('each member takes its consecutive share, the first ones one more when it does not come out even', () => {
  deepEqual(shares(['a', 'b'], 4), [
    [0, 1],
    [2, 3],
  ])
  deepEqual(shares(['a', 'b', 'c'], 8), [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7],
  ])
  deepEqual(shares(['a', 'b', 'c'], 2), [[0], [1], []])
})

test('all members agree, in whatever order they hear of members and queues', () => {
  const reversed = queues(5).reverse()
  deepEqual(allocateQueues('b', ['b', 'a', 'b'], reversed), allocateQueues('b', ['a', 'b'], queues(5)))
  const mixed = [
    { topic: 'T', brokerName: 'y', queueId: 0 },
    { topic: 'T', brokerName: 'x', queueId: 10 },
    { topic: 'T', brokerName: 'x', queueId: 9 },
  ]
  deepEqual(
    allocateQueues('a', ['a'], mixed).map(({ brokerName, queueId }) => `${brokerName}${queueId}`),
    ['x9', 'x10', 'y0'],
  )
})

test('who is no member gets nothing', () => {
  deepEqual(allocateQueues('x', ['a'], queues(2)), [])
})
