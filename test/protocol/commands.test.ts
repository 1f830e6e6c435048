import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeHeader, encodeHeader, type Field } from '../../lib/protocol/command.ts'
import {
  commandOf,
  commands,
  pullMessage,
  registerBroker,
  sendMessage,
  sendMessageV2,
} from '../../lib/protocol/commands/index.ts'
import { requestCodeTable } from '../../lib/protocol/request-codes.ts'

const sample = (field: Field<unknown>, index: number): unknown => {
  if (field.type === 'bool') return index % 2 === 0
  return field.type.startsWith('int') ? index + 1 : `text${index}`
}

test('every command has a number and a name of the request code table, once', () => {
  const numbers = commands.map((command) => command.code)
  equal(new Set(numbers).size, numbers.length)
  deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
  const table: Readonly<Record<string, { code: number }>> = requestCodeTable
  for (const command of commands) equal(table[command.name]?.code, command.code, command.name)
})

test('every live request code of 4.9.8 has a command', () => {
  const rows = Object.values(requestCodeTable) as readonly {
    code: number
    since?: string
    handledBy: readonly string[]
  }[]
  const live = rows.filter((row) => row.since === undefined && row.handledBy.length > 0)
  deepEqual(
    live.filter((row) => commandOf(row.code) === undefined),
    [],
  )
})

test('every header of every command is written and read again', () => {
  for (const { request, response, wireNames, name } of commands) {
    for (const [fields, names] of [
      [request, wireNames],
      [response, undefined],
    ] as const) {
      const header = Object.fromEntries(
        Object.entries(fields).map(([field, type], index) => [field, sample(type as Field<unknown>, index)]),
      )
      const ext = encodeHeader(fields, header as never, names)
      equal(ext.size, Object.keys(fields).length, name)
      deepEqual(decodeHeader(fields, ext, names), header, name)
    }
  }
})

test('wire names are those of the fields, one each', () => {
  for (const { wireNames, request, name } of commands) {
    if (wireNames === undefined) continue
    deepEqual(Object.keys(wireNames).toSorted(), Object.keys(request).toSorted(), name)
    equal(new Set(Object.values(wireNames)).size, Object.keys(request).length, name)
  }
})

test('a send header has the one-letter names of Java and the defaults of what may be absent', () => {
  const ext = new Map(
    Object.entries({
      a: 'pg',
      b: 'T',
      c: 'TBW102',
      d: '4',
      e: '-1',
      f: '0',
      g: '1700000000123',
      h: '0',
      n: 'broker-a',
    }),
  )
  const header = decodeHeader(sendMessageV2.request, ext, sendMessageV2.wireNames)
  deepEqual(header, {
    producerGroup: 'pg',
    topic: 'T',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: -1,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_123,
    flag: 0,
    unitMode: false,
    batch: false,
    brokerName: 'broker-a',
  })
})

test('a header without a required field, or with one that is no value of its type, is refused by name', () => {
  throws(() => decodeHeader(sendMessage.request, new Map([['producerGroup', 'pg']])), {
    code: 'HEADER_FIELD_MISSING',
    message: /topic/,
  })
  const ext = encodeHeader(pullMessage.request, {
    consumerGroup: 'g',
    topic: 'T',
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: 0,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subVersion: 0,
  })
  ok(decodeHeader(pullMessage.request, ext))
  for (const text of ['x', '', '2147483648', '1.0']) {
    throws(() => decodeHeader(pullMessage.request, new Map([...ext, ['queueId', text]])), {
      code: 'HEADER_FIELD_INVALID',
    })
  }
})

test('a registration of an old broker has no checksum and is not compressed', () => {
  const ext = new Map(
    Object.entries({ brokerName: 'b', brokerAddr: 'a:1', clusterName: 'c', haServerAddr: 'a:2', brokerId: '0' }),
  )
  const header = decodeHeader(registerBroker.request, ext)
  deepEqual([header.compressed, header.bodyCrc32], [false, 0])
})
