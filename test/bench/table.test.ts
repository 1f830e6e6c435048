import { equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../bench/broker/measurement.ts'
import { duration, median, spreadPercent, tables } from '../../bench/broker/table.ts'

const row = (change: Partial<Row>): Row => ({
  system: 'ours',
  flush: 'async',
  mode: 'send',
  connections: 1,
  inFlight: 256,
  bodyBytes: 1024,
  sendStyle: 'coalesced',
  opsPerSecond: 100_000,
  messagesPerSecond: 100_000,
  p50Us: 100,
  p99Us: 2000,
  p999Us: 30_000,
  maxUs: 40_000,
  errors: 0,
  firstError: null,
  generatorCpu: 10,
  round: 1,
  ...change,
})

test('the median of an even number of rounds is the mean of the middle ones', () => {
  equal(median([3, 1, 2]), 2)
  equal(median([4, 1, 3, 2]), 2.5)
  ok(Number.isNaN(median([])))
})

test('the spread is the distance of the rounds in percent of their median', () => {
  equal(spreadPercent([90, 110]), 20)
})

test('latencies are readable at every size', () => {
  equal(duration(98.4), '98')
  equal(duration(14_630), '14.6 ms')
  equal(duration(2_100_000), '2.1 s')
})

test('the ratio is the median of our rounds divided by the median of the rounds of Java', () => {
  const text = tables([
    row({ opsPerSecond: 290_000 }),
    row({ opsPerSecond: 310_000, round: 2, errors: 3 }),
    row({ system: 'java', opsPerSecond: 70_000 }),
    row({ system: 'java', opsPerSecond: 80_000, round: 2, errors: 1 }),
  ])
  match(text, /async flush/)
  match(text, /1x256 +300,000 +75,000 +4\.00x .* 13 % +4$/m)
})

test('each flush mode has a table of its own, and a system that was left out has dashes', () => {
  const text = tables([row({}), row({ flush: 'sync', mode: 'pull', inFlight: 4 })])
  match(text, /^async flush.*^1x256 +100,000 +- +- .*^sync flush.*^pull-4 +100,000/ms)
})
