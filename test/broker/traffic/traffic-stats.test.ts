import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { TrafficStats } from '../../../lib/broker/traffic/traffic-stats.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const newStats = (maxItems?: number) => {
  const clock = new ManualClock()
  return { clock, stats: new TrafficStats(clock, 'DefaultCluster', maxItems) }
}

test('what goes in and out is found under the names and keys of Java', () => {
  const { clock, stats } = newStats()
  stats.topic('T').put(4, 400)
  stats.group('T', 'G').got(3, 2, 200, 5, 0)
  stats.group('T', 'G').sendBacks.add(1)
  clock.advance(10_000)
  const sum = (name: string, key: string): number | undefined => stats.find(name, key)?.window('minute').sum
  deepEqual(
    [
      sum('TOPIC_PUT_NUMS', 'T'),
      sum('TOPIC_PUT_SIZE', 'T'),
      sum('GROUP_GET_NUMS', 'T@G'),
      sum('GROUP_GET_SIZE', 'T@G'),
      sum('GROUP_GET_LATENCY', '3@T@G'),
      sum('SNDBCK_PUT_NUMS', 'T@G'),
      sum('BROKER_PUT_NUMS', 'DefaultCluster'),
      sum('BROKER_GET_NUMS', 'DefaultCluster'),
    ],
    [4, 400, 2, 200, 5, 1, 4, 2],
  )
  equal(stats.groupTps('T', 'G'), 0.2)
  for (const [name, key] of [
    ['TOPIC_PUT_NUMS', 'U'],
    ['GROUP_GET_NUMS', 'T'],
    ['GROUP_GET_LATENCY', 'T@G'],
    ['BROKER_PUT_NUMS', 'Other'],
    ['NO_SUCH_NAME', 'T'],
  ] as const) {
    equal(stats.find(name, key), undefined, name)
  }
})

test('counters go with their topic and their group, and nothing is left of them', () => {
  const { stats } = newStats()
  const before = stats.size
  stats.topic('T').put(1, 1)
  for (const group of ['G', 'H']) stats.group('T', group).got(0, 1, 1, 1, 0)
  stats.group('U', 'G').got(0, 1, 1, 1, 0)
  stats.forgetGroup('G')
  equal(stats.find('GROUP_GET_NUMS', 'T@G'), undefined)
  equal(stats.find('GROUP_GET_NUMS', 'U@G'), undefined)
  stats.forgetTopic('T')
  equal(stats.find('GROUP_GET_NUMS', 'T@H'), undefined)
  equal(stats.find('TOPIC_PUT_NUMS', 'T'), undefined)
  equal(stats.size, before)
})

test('at the limit further topics are counted for the broker only, and have no entry', () => {
  const { clock, stats } = newStats(6)
  stats.topic('T1').put(1, 1)
  stats.topic('T2').put(1, 1)
  for (let i = 3; i < 100; i++) stats.topic(`T${i}`).put(1, 1)
  for (let i = 3; i < 100; i++) stats.group(`T${i}`, 'G').got(0, 1, 1, 1, 0)
  clock.advance(10_000)
  equal(stats.size, 6)
  equal(stats.find('TOPIC_PUT_NUMS', 'T3'), undefined)
  equal(stats.find('BROKER_PUT_NUMS', 'DefaultCluster')?.window('minute').sum, 99)
  equal(stats.find('BROKER_GET_NUMS', 'DefaultCluster')?.window('minute').sum, 97)
})

test('groups far behind in one queue are told, once for each pull', () => {
  const { stats } = newStats()
  stats.group('T', 'slow').got(0, 1, 1, 0, 101)
  stats.group('T', 'slow').got(1, 1, 1, 0, 0)
  stats.group('T', 'quick').got(0, 1, 1, 0, 100)
  deepEqual(stats.takeGroupsBehind(100), ['slow'])
  deepEqual(stats.takeGroupsBehind(100), [])
})
