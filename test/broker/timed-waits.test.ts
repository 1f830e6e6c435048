import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { TimedWaits } from '../../lib/broker/timed-waits.ts'
import { ManualClock } from '../support/manual-clock.ts'

const setUp = () => {
  const clock = new ManualClock()
  const waits = new TimedWaits(clock, 1_000)
  const seen: string[] = []
  const begin = (endOffset: number) => waits.begin(endOffset, (how) => seen.push(`${endOffset} ${how}`))
  return { clock, waits, seen, begin }
}

test('each wait ends once: by what it waits for, by its time, or silently', () => {
  const { clock, waits, seen, begin } = setUp()
  const first = begin(100)
  begin(200)
  begin(300)
  waits.passed(250)
  equal(waits.end(first), false)
  const fourth = begin(400)
  equal(waits.end(fourth), true)
  equal(waits.end(fourth), false)
  clock.advance(1_050)
  waits.passed(1_000)
  deepEqual(seen, ['100 passed', '200 passed', '300 timeout'])
  equal(waits.size, 0)
})

test('a wait for less waits for those in front of it, and no longer than its own time', () => {
  const { clock, waits, seen, begin } = setUp()
  begin(300)
  begin(100)
  waits.passed(200)
  deepEqual(seen, [])
  clock.advance(1_050)
  deepEqual(seen, ['300 timeout', '100 timeout'])
})

test('nothing is kept of waits that are over', () => {
  const { clock, waits, begin } = setUp()
  for (let index = 0; index < 5_000; index++) begin(index)
  waits.passed(1_500)
  equal(waits.size, 3_499)
  clock.advance(1_050)
  equal(waits.size, 0)
})

test('what is called at an end may begin and end waits', () => {
  const { clock, waits, seen, begin } = setUp()
  const later: ReturnType<typeof begin>[] = []
  waits.begin(10, () => {
    waits.end(later[0]!)
    begin(20)
  })
  later.push(begin(11), begin(12))
  waits.passed(15)
  deepEqual(seen, ['12 passed'])
  clock.advance(1_050)
  deepEqual(seen, ['12 passed', '20 timeout'])
})

test('a stop ends no wait, and no time is over afterwards', () => {
  const { clock, waits, seen, begin } = setUp()
  begin(10)
  waits.stop()
  clock.advance(5_000)
  deepEqual([seen, clock.timers], [[], 0])
  waits.expireAll()
  deepEqual(seen, ['10 timeout'])
})
