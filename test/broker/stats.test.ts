import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerStats } from '../../lib/broker/stats.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('rates are those of the last 10, 60 and 600 s', () => {
  const clock = new ManualClock()
  const stats = new BrokerStats(clock)
  for (let second = 0; second < 700; second++) {
    stats.messagesPut(second < 690 ? 10 : 40, 1000)
    clock.advance(1000)
  }
  deepEqual(stats.rates('putMessages'), [40, 15, 10.5])
  stats.stop()
})

test('a broker younger than a window shows the rate since its start', () => {
  const clock = new ManualClock()
  const stats = new BrokerStats(clock)
  deepEqual(stats.rates('gotMessages'), [0, 0, 0])
  stats.messagesGot(20, 100)
  stats.messagesGot(0, 0)
  clock.advance(2000)
  deepEqual(stats.rates('gotMessages'), [10, 10, 10])
  deepEqual(stats.rates('foundPulls', 'missedPulls'), [1, 1, 1])
  stats.stop()
})

test('at midnight today becomes yesterday', () => {
  const noon = new Date(2026, 0, 15, 12).getTime()
  const clock = new ManualClock(noon)
  const stats = new BrokerStats(clock)
  stats.messagesPut(5, 50)
  clock.advance(12 * 3_600_000)
  stats.messagesPut(2, 20)
  deepEqual(stats.byDay('putMessages'), { yesterdayMorning: 0, todayMorning: 5, todayNow: 7 })
  clock.advance(24 * 3_600_000)
  deepEqual(stats.byDay('putMessages'), { yesterdayMorning: 5, todayMorning: 7, todayNow: 7 })
  stats.stop()
  equal(clock.timers, 0)
})
