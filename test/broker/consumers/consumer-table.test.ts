import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import { ConsumerTable } from '../../../lib/broker/consumers/consumer-table.ts'
import type { ConsumerData } from '../../../lib/protocol/bodies/heartbeat.ts'
import type { SubscriptionData } from '../../../lib/protocol/bodies/subscription-data.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeConnection } from '../support/fake-connection.ts'
import { testConfig } from '../support/fixtures.ts'

const NOTIFY_CONSUMER_IDS_CHANGED = 40

const subscription = (topic: string, subVersion = 1): SubscriptionData => ({
  topic,
  subString: '*',
  expressionType: 'TAG',
  tagsSet: [],
  codeSet: [],
  subVersion,
  classFilterMode: false,
})

const data = (...subscriptions: SubscriptionData[]): ConsumerData => ({
  groupName: 'G',
  consumeType: 'CONSUME_PASSIVELY',
  messageModel: 'CLUSTERING',
  consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
  subscriptionDataSet: subscriptions,
  unitMode: false,
})

const client = (clientId: string) => {
  const connection = new FakeConnection()
  return { connection, clientId, language: 0, version: 409 }
}

const newTable = (properties: Record<string, string> = {}) => {
  const clock = new ManualClock()
  return {
    clock,
    table: new ConsumerTable({ config: testConfig('/nowhere', properties), clock, logger: silentLogger }),
  }
}

const notices = ({ connection }: { connection: FakeConnection }): number => {
  const { sent } = connection
  for (const { code, extFields } of sent) {
    deepEqual([code, extFields?.get('consumerGroup')], [NOTIFY_CONSUMER_IDS_CHANGED, 'G'])
  }
  return sent.splice(0).length
}

test('members hear of one that joins, the newcomer too', () => {
  const { table } = newTable()
  const [a, b] = [client('a'), client('b')]
  ok(table.register(a, data(subscription('T')), true))
  equal(notices(a), 1)
  ok(table.register(b, data(subscription('T')), true))
  deepEqual([notices(a), notices(b)], [1, 1])
  deepEqual(table.clientIds('G'), ['a', 'b'])
})

test('a heartbeat that changes nothing tells nobody', () => {
  const { table } = newTable()
  const a = client('a')
  table.register(a, data(subscription('T')), true)
  notices(a)
  equal(table.register(a, data(subscription('T')), true), false)
  equal(notices(a), 0)
})

test('topics that come and go are changes; a newer version of one is taken without a notice', () => {
  const { table } = newTable()
  const a = client('a')
  table.register(a, data(subscription('T', 5)), true)
  table.register(a, data(subscription('T', 5), subscription('U')), true)
  equal(notices(a), 2)
  table.register(a, data(subscription('T', 9)), true)
  equal(notices(a), 1)
  deepEqual([table.subscription('G', 'T')?.subVersion, table.subscription('G', 'U')], [9, undefined])
  table.register(a, data(subscription('T', 7)), true)
  equal(table.subscription('G', 'T')?.subVersion, 9)
})

test('those who stay hear of one that unregisters or closes its connection', () => {
  const { table } = newTable()
  const [a, b, c] = [client('a'), client('b'), client('c')]
  for (const one of [a, b, c]) table.register(one, data(subscription('T')), true)
  for (const one of [a, b, c]) notices(one)
  table.unregister(b, 'G', true)
  deepEqual([notices(a), notices(b), notices(c)], [1, 0, 1])
  c.connection.close()
  deepEqual([notices(a), notices(c)], [1, 0])
  deepEqual(table.clientIds('G'), ['a'])
})

test('a silent member leaves after 120 s, its connection is closed, the others hear of it', () => {
  const { table, clock } = newTable()
  const [a, b] = [client('a'), client('b')]
  for (const one of [a, b]) table.register(one, data(subscription('T')), true)
  clock.advance(100_000)
  table.register(a, data(subscription('T')), true)
  for (const one of [a, b]) notices(one)
  clock.advance(31_000)
  deepEqual([table.clientIds('G'), notices(a), b.connection.closed], [['a'], 1, true])
})

test('the last member takes the group with it', () => {
  const { table } = newTable()
  const a = client('a')
  table.register(a, data(subscription('T')), true)
  deepEqual(table.groupsOf('T'), ['G'])
  a.connection.close()
  deepEqual([table.group('G'), table.subscription('G', 'T'), table.groupsOf('T')], [undefined, undefined, []])
})

test('nobody hears anything when the group or the broker says so', () => {
  const { table } = newTable({ notifyConsumerIdsChangedEnable: 'false' })
  const a = client('a')
  table.register(a, data(subscription('T')), true)
  equal(notices(a), 0)
  const other = newTable().table
  other.register(a, data(subscription('T')), false)
  equal(notices(a), 0)
})

test('a client that reconnects is listed once', () => {
  const { table } = newTable()
  table.register(client('a'), data(subscription('T')), true)
  table.register(client('a'), data(subscription('T')), true)
  deepEqual(table.clientIds('G'), ['a'])
})

test('a connection that is already gone does not stay a member', () => {
  const { table } = newTable()
  const a = client('a')
  a.connection.close()
  table.register(a, data(subscription('T')), true)
  deepEqual([table.clientIds('G'), table.group('G')], [[], undefined])
})

test('subscriptions have room for so many characters, and room is made by groups that go', () => {
  const config = testConfig('/nowhere', {})
  const table = new ConsumerTable({ config, clock: new ManualClock(), logger: silentLogger, maxCharacters: 500 })
  const large = { ...subscription('T'), subString: 's'.repeat(300) }
  const [a, b] = [client('a'), client('b')]
  const other = (...subscriptions: SubscriptionData[]) => ({ ...data(...subscriptions), groupName: 'H' })
  equal(table.register(a, data(large), false), true)
  equal(table.register(b, other(large), false), false)
  deepEqual([table.group('H'), table.clientIds('H')], [undefined, []])
  table.register(a, data({ ...large, subVersion: 2 }), false)
  equal(table.subscription('G', 'T')?.subVersion, 2)
  table.unregister(a, 'G', false)
  equal(table.register(b, other(large), false), true)
  equal(table.register(b, other({ ...large, subString: 's'.repeat(500), subVersion: 3 }), false), false)
  equal(table.subscription('H', 'T')?.subVersion, 1)
})
