import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimerNotes } from '../../../lib/broker/timer/timer-notes.ts'
import type { TimerQueue } from '../../../lib/broker/timer/timer-queue.ts'
import { TimerScan } from '../../../lib/broker/timer/timer-scan.ts'

/** A queue that ends at `max` and counts what is read of it; what is read is empty. */
const emptyQueue = (max: number) => {
  const reads: number[] = []
  const queue = {
    bounds: { min: 0, max },
    read: (from: number) => {
      reads.push(from)
      return { sizeBytes: 0, neededBytes: 0, nextOffset: from + 1 }
    },
  } as unknown as TimerQueue
  return { queue, reads }
}

const scanOf = (queue: TimerQueue, notes: TimerNotes) => {
  const noted: [number, number][] = []
  const scanned: number[] = []
  const target = {
    scanning: (from: number) => void scanned.push(from),
    found: () => assert.fail('there is no record'),
    noted: (dueMs: number, queueOffset: number) => void noted.push([dueMs, queueOffset]),
  }
  return { scan: new TimerScan(queue, notes, target, 0), noted, scanned }
}

test('what was noted is not read again, up to the first gap', async () => {
  const notes = new TimerNotes()
  for (const offset of [0, 1, 3]) notes.put(offset, 1000 + offset)
  const { queue, reads } = emptyQueue(4)
  const { scan, noted, scanned } = scanOf(queue, notes)
  while (await scan.advance());
  assert.deepEqual(noted, [
    [1000, 0],
    [1001, 1],
    [1003, 3],
  ])
  assert.deepEqual(reads, [2])
  assert.deepEqual(scanned, [0, 2, 3])
  assert.equal(scan.position, 4)
})

test('a note counts only when its message stands in the queue', async () => {
  const notes = new TimerNotes()
  notes.put(0, 1000)
  notes.put(1, 1001)
  const { queue } = emptyQueue(1)
  const { scan, noted } = scanOf(queue, notes)
  while (await scan.advance());
  assert.deepEqual(noted, [[1000, 0]])
})

test('a note is good once, and gives way to one further on in its place', () => {
  const notes = new TimerNotes()
  notes.put(7, 70)
  assert.equal(notes.take(7), 70)
  assert.equal(notes.take(7), undefined)
  notes.put(7, 70)
  notes.put(7 + 2 ** 14, 71)
  assert.equal(notes.take(7), undefined)
  assert.equal(notes.take(7 + 2 ** 14), 71)
})
