import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { StatsItem } from '../../../lib/broker/traffic/stats-item.ts'

test('a counter that was never sampled shows nothing', () => {
  const item = new StatsItem()
  item.add(5)
  deepEqual(item.window('minute'), { sum: 0, tps: 0, avgpt: 0 })
})

test('the first sample counts from 0 one period before, as in Java', () => {
  const item = new StatsItem()
  item.add(30, 3)
  item.sample('minute', 100_000)
  deepEqual(item.window('minute'), { sum: 30, tps: 3, avgpt: 10 })
  item.sample('hour', 100_000)
  deepEqual(item.window('hour'), { sum: 30, tps: 0.05, avgpt: 10 })
})

test('a window holds a minute of samples, and what is older is forgotten', () => {
  const item = new StatsItem()
  for (let i = 1; i <= 20; i++) {
    item.add(i <= 10 ? 100 : 1)
    item.sample('minute', i * 10_000)
  }
  deepEqual(item.window('minute'), { sum: 6, tps: 0.1, avgpt: 1 })
})

test('a day is 24 hours of samples', () => {
  const item = new StatsItem()
  for (let hour = 1; hour <= 100; hour++) {
    item.add(3600)
    item.sample('day', hour * 3_600_000)
  }
  deepEqual(item.window('day'), { sum: 24 * 3600, tps: 1, avgpt: 3600 })
})
