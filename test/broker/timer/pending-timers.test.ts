import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OffsetSet } from '../../../lib/broker/timer/offset-set.ts'
import { PendingTimers } from '../../../lib/broker/timer/pending-timers.ts'

const FAR = 10 ** 12

const drained = (timers: PendingTimers, nowMs = FAR): (readonly [number, number, boolean])[] => {
  const taken: (readonly [number, number, boolean])[] = []
  for (let due = timers.take(nowMs); due !== undefined; due = timers.take(nowMs)) {
    taken.push([due.dueMs, due.queueOffset, due.isRecall])
    timers.settle(due.queueOffset)
  }
  return taken
}

test('timers are taken by time, then by offset, and recalls behind the timers of their time', () => {
  const timers = new PendingTimers()
  timers.add(20, 5, false)
  timers.add(10, 6, true)
  timers.add(10, 7, false)
  timers.add(30, 8, false)
  equal(timers.nextDueMs, 10)
  deepEqual(drained(timers, 20), [
    [10, 7, false],
    [10, 6, true],
    [20, 5, false],
  ])
  equal(timers.size, 1)
  equal(timers.oldest, 8)
  equal(timers.take(29), undefined)
})

test('what was settled while it waited is not taken, what is put back is', () => {
  const timers = new PendingTimers()
  for (let offset = 0; offset < 10; offset++) timers.add(offset, offset, false)
  timers.settle(0)
  timers.settle(4)
  const first = timers.take(FAR)!
  equal(first.queueOffset, 1)
  equal(timers.size, 8)
  timers.putBack(first)
  deepEqual(
    drained(timers).map(([, offset]) => offset),
    [1, 2, 3, 5, 6, 7, 8, 9],
  )
  equal(timers.oldest, undefined)
  equal(timers.nextDueMs, Number.POSITIVE_INFINITY)
})

test('a million timers take less than 40 bytes each, and moved ones are swept out', () => {
  const timers = new PendingTimers()
  const count = 1_000_000
  for (let offset = 0; offset < count; offset++) timers.add((offset * 7919) % 1_000_003, offset, false)
  ok(timers.memoryBytes / count < 40)
  for (let round = 1; round <= 3; round++) {
    for (let moved = 0; moved < count; moved++) {
      timers.settle((round - 1) * count + moved)
      timers.add((moved * 7919) % 1_000_003, round * count + moved, false)
    }
  }
  ok(timers.memoryBytes / count < 80)
  equal(timers.size, count)
  let last = -1
  for (let due = timers.take(FAR); due !== undefined; due = timers.take(FAR)) {
    ok(due.dueMs >= last)
    last = due.dueMs
    timers.settle(due.queueOffset)
  }
  equal(timers.size, 0)
  ok(timers.memoryBytes < 100_000)
})

test('the heap gives what sorting would, whatever is added, taken and settled', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.record({ due: fc.nat(50), isRecall: fc.boolean() }), fc.constant('take'), fc.nat(60))),
      (steps) => {
        const timers = new PendingTimers()
        let model: { due: number; offset: number; isRecall: boolean }[] = []
        let end = 65_500
        for (const step of steps) {
          if (step === 'take') {
            model.sort((a, b) => a.due - b.due || Number(a.isRecall) - Number(b.isRecall) || a.offset - b.offset)
            const wanted = model.shift()
            const due = timers.take(FAR)
            equal(due?.queueOffset, wanted?.offset)
            if (due !== undefined) timers.settle(due.queueOffset)
          } else if (typeof step === 'number') {
            model = model.filter(({ offset }) => offset !== 65_500 + step)
            timers.settle(65_500 + step)
          } else if (typeof step === 'object') {
            timers.add(step.due, end, step.isRecall)
            model.push({ ...step, offset: end++ })
          }
          equal(timers.size, model.length)
          equal(timers.oldest, model.length === 0 ? undefined : Math.min(...model.map(({ offset }) => offset)))
        }
      },
    ),
  )
})

test('a set of offsets gives its members in order, over chunks that come and go', () => {
  const set = new OffsetSet(100)
  for (const offset of [70_000, 131, 400_000, 65_535, 65_536]) set.add(offset)
  equal(set.size, 5)
  const members: number[] = []
  for (let at = set.min; at !== undefined; at = set.next(at + 1)) members.push(at)
  deepEqual(members, [131, 65_535, 65_536, 70_000, 400_000])
  for (const offset of members) set.delete(offset)
  equal(set.min, undefined)
  equal(set.has(131), false)
  set.add(400_001)
  equal(set.min, 400_001)
  ok(set.memoryBytes < 10_000)
})
