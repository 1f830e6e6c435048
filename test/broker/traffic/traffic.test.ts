import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import { watchSlowGroups } from '../../../lib/broker/traffic/slow-groups.ts'
import { TrafficStats } from '../../../lib/broker/traffic/traffic-stats.ts'
import {
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
} from '../../../lib/protocol/bodies/subscription-group.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { RawCommand } from '../../support/raw-client.ts'
import { waitFor } from '../../support/wait-for.ts'
import { json, sendCommand } from '../support/commands.ts'
import { testConfig } from '../support/fixtures.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'
import { startTestBroker } from '../support/test-broker.ts'

const pullCommand = (consumerGroup: string): RawCommand => ({
  code: 11,
  extFields: {
    consumerGroup,
    topic: 'T',
    queueId: '0',
    queueOffset: '0',
    maxMsgNums: '32',
    sysFlag: '4',
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subVersion: '0',
    subscription: '*',
  },
})

const view = (statsName: string, statsKey: string): RawCommand => ({ code: 315, extFields: { statsName, statsKey } })

test('what clients send and pull is counted by topic and group', async (t) => {
  const clock = new ManualClock()
  const { client, store, traffic } = await startSendPullServer(t, { clock })
  for (let i = 0; i < 3; i++) await client.call(sendCommand('T'))
  await waitFor('the dispatch', () => store.watermarks.dispatched === store.watermarks.appended)
  const { body } = await client.call(pullCommand('G'))
  await client.request({ ...pullCommand('G'), extFields: { ...pullCommand('G').extFields, queueOffset: '3' } })
  clock.advance(10_000)
  const sum = (name: string, key: string) => traffic.find(name, key)?.window('minute').sum
  deepEqual(
    [sum('TOPIC_PUT_NUMS', 'T'), sum('TOPIC_PUT_SIZE', 'T'), sum('BROKER_PUT_NUMS', 'DefaultCluster')],
    [3, store.watermarks.appended, 3],
  )
  deepEqual(
    [sum('GROUP_GET_NUMS', 'T@G'), sum('GROUP_GET_SIZE', 'T@G'), sum('BROKER_GET_NUMS', 'DefaultCluster')],
    [3, body.length, 3],
  )
  equal(traffic.find('GROUP_GET_NUMS', 'T@G')?.window('minute').avgpt, 3)
  ok(traffic.find('GROUP_GET_LATENCY', '0@T@G'))
})

test('counters are answered, and go with their topic and group', async (t) => {
  const { client } = await startTestBroker(t)
  await client.call(sendCommand('T'))
  await waitFor('a message', async () => (await client.request(pullCommand('G'))).code === 0)
  const data = json<Record<string, unknown>>(await client.call(view('TOPIC_PUT_NUMS', 'T')))
  deepEqual(Object.keys(data).toSorted(), ['statsDay', 'statsHour', 'statsMinute'])
  deepEqual(Object.keys(data.statsMinute as object).toSorted(), ['avgpt', 'sum', 'tps'])
  equal((await client.request(view('GROUP_GET_NUMS', 'T@G'))).code, 0)
  await client.call({ code: 207, extFields: { groupName: 'G' } })
  equal((await client.request(view('GROUP_GET_NUMS', 'T@G'))).code, 1)
  await client.call({ code: 215, extFields: { topic: 'T' } })
  const gone = await client.request(view('TOPIC_PUT_NUMS', 'T'))
  deepEqual([gone.code, gone.remark], [1, 'The stats <TOPIC_PUT_NUMS> <T> not exist'])
  equal((await client.request({ code: 315, extFields: { statsName: 'TOPIC_PUT_NUMS' } })).code, 1)
  await client.call(sendCommand('T'))
  equal((await client.request(view('TOPIC_PUT_NUMS', 'T'))).code, 0)
})

test('a group that reads too far behind is shut off when that is configured', () => {
  for (const on of [true, false]) {
    const clock = new ManualClock()
    const traffic = new TrafficStats(clock, 'C')
    const table = new Map<string, SubscriptionGroupConfig>([['G', subscriptionGroupConfig('G')]])
    const config = testConfig('/nowhere', {
      disableConsumeIfConsumerReadSlowly: String(on),
      consumerFallbehindThreshold: '100',
    })
    const groups = {
      get: (group: string) => table.get(group),
      update: (group: SubscriptionGroupConfig) => void table.set(group.groupName, group),
    }
    const watch = watchSlowGroups({ config, clock, logger: silentLogger, traffic, groups })
    traffic.group('T', 'G').got(0, 1, 1, 0, 101)
    traffic.group('T', 'Deleted').got(0, 1, 1, 0, 101)
    clock.advance(180_000)
    equal(table.get('G')?.consumeEnable, !on)
    groups.update(subscriptionGroupConfig('G'))
    clock.advance(180_000)
    equal(table.get('G')?.consumeEnable, true)
    watch.cancel()
    traffic.stop()
  }
})
