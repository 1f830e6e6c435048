import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../lib/store/store-error.ts'
import { WatermarkWaiters } from '../../lib/store/watermark-waiters.ts'

const recorder = (waiters: WatermarkWaiters) => {
  const calls: [number, string | undefined][] = []
  return { calls, wait: (end: number) => waiters.add(end, (error) => calls.push([end, error?.code])) }
}

test('waiters up to the watermark are called in order, the others stay', () => {
  const waiters = new WatermarkWaiters()
  const { calls, wait } = recorder(waiters)
  for (const end of [10, 20, 20, 30]) wait(end)
  waiters.settle(9, undefined)
  deepEqual(calls, [])
  waiters.settle(20, undefined)
  deepEqual(calls, [
    [10, undefined],
    [20, undefined],
    [20, undefined],
  ])
  equal(waiters.size, 1)
})

test('a smaller end behind a bigger one waits for it', () => {
  const waiters = new WatermarkWaiters()
  const { calls, wait } = recorder(waiters)
  wait(20)
  wait(10)
  waiters.settle(15, undefined)
  deepEqual(calls, [])
  waiters.settle(20, undefined)
  deepEqual(calls, [
    [20, undefined],
    [10, undefined],
  ])
})

test('a failure reaches everyone above the watermark and nobody below', () => {
  const waiters = new WatermarkWaiters()
  const { calls, wait } = recorder(waiters)
  for (const end of [10, 20, 30]) wait(end)
  waiters.settle(10, new StoreError('STORE_READ_ONLY', 'sync failed'))
  deepEqual(calls, [
    [10, undefined],
    [20, 'STORE_READ_ONLY'],
    [30, 'STORE_READ_ONLY'],
  ])
  equal(waiters.size, 0)
})

test('the ring grows and wraps without losing order', () => {
  const waiters = new WatermarkWaiters()
  const { calls, wait } = recorder(waiters)
  let next = 1
  for (let round = 0; round < 50; round++) {
    for (let count = 0; count < 37; count++) wait(next++)
    waiters.settle(next - 20, undefined)
  }
  waiters.settle(next, undefined)
  deepEqual(
    calls.map(([end]) => end),
    Array.from({ length: next - 1 }, (_, index) => index + 1),
  )
})

test('a waiter added by a callback is not called in the same settling', () => {
  const waiters = new WatermarkWaiters()
  const calls: string[] = []
  waiters.add(1, () => {
    calls.push('first')
    waiters.add(1, () => calls.push('second'))
  })
  waiters.settle(5, undefined)
  deepEqual(calls, ['first'])
  waiters.settle(5, undefined)
  deepEqual(calls, ['first', 'second'])
})
