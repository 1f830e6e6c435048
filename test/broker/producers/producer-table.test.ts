import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ProducerTable } from '../../../lib/broker/producers/producer-table.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeConnection } from '../support/fake-connection.ts'

const client = (clientId: string) => ({ connection: new FakeConnection(), clientId, language: 0, version: 409 })
const idsOf = (table: ProducerTable, group: string): string[] => table.members(group).map(({ clientId }) => clientId)

test('producers are listed by group until they unregister or close their connection', () => {
  const table = new ProducerTable(new ManualClock())
  const [a, b] = [client('a'), client('b')]
  for (const one of [a, b]) table.register(one, 'P')
  table.register(a, 'Q')
  deepEqual([idsOf(table, 'P'), idsOf(table, 'Q')], [['a', 'b'], ['a']])
  table.unregister(a, 'P')
  b.connection.close()
  deepEqual([[...table.groups()], idsOf(table, 'P')], [['Q'], []])
})

test('a producer silent for 120 s is dropped and its connection closed', () => {
  const clock = new ManualClock()
  const table = new ProducerTable(clock)
  const [quiet, alive] = [client('quiet'), client('alive')]
  for (const one of [quiet, alive]) table.register(one, 'P')
  clock.advance(100_000)
  table.register(alive, 'P')
  clock.advance(31_000)
  deepEqual([idsOf(table, 'P'), quiet.connection.closed, alive.connection.closed], [['alive'], true, false])
  table.stop()
  equal(clock.timers, 0)
})

test('a client is reached at its newest connection, until that closes', () => {
  const table = new ProducerTable(new ManualClock())
  const [first, second] = [client('a'), client('a')]
  table.register(first, 'P')
  table.register(second, 'P')
  first.connection.close()
  equal(table.connectionOf('a'), second.connection)
  table.register({ ...second, clientId: 'b' }, 'P')
  deepEqual([table.connectionOf('a'), table.connectionOf('b')], [undefined, second.connection])
  second.connection.close()
  equal(table.connectionOf('b'), undefined)
})

test('a connection that is closed already is not remembered', () => {
  const table = new ProducerTable(new ManualClock())
  const gone = client('a')
  gone.connection.close()
  table.register(gone, 'P')
  deepEqual([table.connectionOf('a'), idsOf(table, 'P')], [undefined, []])
})

test('producers take turns, those with a backlog are left out, and nobody is told from all being busy', () => {
  const table = new ProducerTable(new ManualClock())
  const [a, b] = [client('a'), client('b')]
  equal(table.available('P', 10), undefined)
  for (const one of [a, b]) table.register(one, 'P')
  const first = table.available('P', 10)
  const second = table.available('P', 10)
  deepEqual(new Set([first, second]), new Set([a.connection, b.connection]))
  a.connection.backlogBytes = 11
  for (let turn = 0; turn < 3; turn++) equal(table.available('P', 10), b.connection)
  b.connection.backlogBytes = 11
  equal(table.available('P', 10), 'busy')
  for (const one of [a, b]) one.connection.close()
  equal(table.available('P', 10), undefined)
})
