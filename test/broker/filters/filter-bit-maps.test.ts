import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import { ConsumerFilters } from '../../../lib/broker/filters/consumer-filters.ts'
import {
  type BitMapFilter,
  FilterBitMaps,
  MAX_TOPIC_PROGRAM_BYTES,
} from '../../../lib/broker/filters/filter-bit-maps.ts'
import { SqlFilters } from '../../../lib/broker/filters/sql-filters.ts'
import { BloomFilter } from '../../../lib/filter/index.ts'
import { decodeProperties } from '../../../lib/protocol/properties.ts'
import { StoreError, type StoreFilter } from '../../../lib/store/index.ts'
import { parseRecords } from '../../support/commitlog-reader.ts'
import { readExtendedEntries } from '../../support/extension-reader.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { RawClient, RawCommand } from '../../support/raw-client.ts'
import { sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { tableOptions, testFolder } from '../support/fixtures.ts'
import { startTestBroker } from '../support/test-broker.ts'

const bloom = new BloomFilter(20, 32)

const filterOf = (group: string, expression: string): BitMapFilter => ({
  data: {
    ...{ consumerGroup: group, topic: 'T', expression, expressionType: 'SQL92' },
    ...{ bornTime: 5, deadTime: 0, clientVersion: 1, bloomFilterData: bloom.dataOf(`${group}#T`) },
  },
  bits: undefined,
  program: undefined,
})

const setUp = () => {
  const filters: BitMapFilter[] = []
  const told: (readonly StoreFilter[])[] = []
  const clock = new ManualClock()
  const maps = new FilterBitMaps(bloom.bitNum, () => filters, { clock, logger: silentLogger })
  const store = {
    end: 1000,
    fails: false,
    setFilters(_bitNum: number, all: readonly StoreFilter[]): number {
      if (store.fails) throw new StoreError('STORE_CLOSED', 'closed')
      told.push(all)
      return store.end
    },
  }
  return { filters, told, clock, maps, store }
}

test('a filter has bits from where the log ended when the store was told of it', () => {
  const { filters, told, clock, maps, store } = setUp()
  filters.push(filterOf('A', 'a > 1'))
  maps.changed()
  clock.advance(1000)
  equal(told.length, 0)
  maps.start(store)
  const first = filters[0]!.bits
  deepEqual([...first!.cells.subarray(1, 4)], [1000, 5, bloom.bitNum])
  filters.push(filterOf('B', 'a > 2'))
  maps.changed()
  maps.changed()
  equal(filters[1]!.bits, undefined)
  store.end = 2000
  clock.advance(1000)
  deepEqual(
    told.map((all) => all.length),
    [1, 2],
  )
  equal(filters[0]!.bits, first)
  equal(filters[1]!.bits!.cells[1], 2000)
  maps.changed()
  maps.stop()
  clock.advance(1000)
  equal(told.length, 2)
})

test('a filter that the engine cannot evaluate, or has no room for, has no bits', () => {
  const { filters, told, maps, store } = setUp()
  const long = `a = '${'x'.repeat(MAX_TOPIC_PROGRAM_BYTES / 2)}'`
  filters.push(filterOf('A', "a = '\ufffd'"), filterOf('B', long), filterOf('C', long), filterOf('D', 'a > 1'))
  maps.start(store)
  deepEqual(
    filters.map(({ bits }) => bits !== undefined),
    [false, true, false, true],
  )
  equal(told[0]!.length, 2)
})

test('a filter that the store was not told of has no bits', () => {
  const { filters, clock, maps, store } = setUp()
  maps.start(store)
  store.fails = true
  filters.push(filterOf('A', 'a > 1'))
  maps.changed()
  clock.advance(1000)
  equal(filters[0]!.bits, undefined)
})

test('the bits of a filter that was replaced skip nothing any more, also for pulls that wait with it', async (t) => {
  const options = { ...(await tableOptions(t)), sql: new SqlFilters() }
  const table = await ConsumerFilters.load(options)
  table.bitMaps.start({ setFilters: () => 1000 })
  const register = (subString: string, subVersion: number): void => {
    const tags = { tagsSet: [], codeSet: [], classFilterMode: false }
    table.register('G', [{ topic: 'T', subString, expressionType: 'SQL92', subVersion, ...tags }])
    options.clock.advance(1000)
  }
  register('a > 1', 1)
  const before = table.find('T', 'G')!.bits!
  register('a > 1', 2)
  equal(table.find('T', 'G')!.bits, before)
  equal(before.cells[1], 1000)
  register('a > 2', 3)
  equal(before.cells[1], Number.MAX_SAFE_INTEGER)
  equal(table.find('T', 'G')!.bits!.cells[1], 1000)
  await table.stop()
})

const ON = {
  enablePropertyFilter: 'true',
  enableCalcFilterBitMap: 'true',
  enableConsumeQueueExt: 'true',
  mappedFileSizeConsumeQueueExt: '4096',
}

const heartbeat = (subString: string, subVersion: number): RawCommand => ({
  code: 34,
  body: Buffer.from(
    JSON.stringify({
      clientID: 'c',
      producerDataSet: [],
      consumerDataSet: [
        {
          ...{ groupName: 'G', messageModel: 'CLUSTERING' },
          subscriptionDataSet: [{ topic: 'T', subString, expressionType: 'SQL92', subVersion }],
        },
      ],
    }),
  ),
})

const pullAll = async (client: RawClient, queueEnd: number): Promise<number[]> => {
  const numbers: number[] = []
  for (let queueOffset = 0; queueOffset < queueEnd; ) {
    const reply = await client.request({
      code: 11,
      extFields: {
        ...{ consumerGroup: 'G', topic: 'T', queueId: '0', queueOffset: String(queueOffset), maxMsgNums: '3' },
        ...{ sysFlag: '0', commitOffset: '0', suspendTimeoutMillis: '0', subVersion: '1' },
      },
    })
    if (reply.code === 0) {
      numbers.push(...parseRecords(reply.body).map(({ properties }) => Number(decodeProperties(properties).get('n'))))
    }
    ok(Number(reply.extFields.nextBeginOffset) > queueOffset, reply.remark)
    queueOffset = Number(reply.extFields.nextBeginOffset)
  }
  return numbers
}

test('entries of a broker have bit maps, and pulls get what they get without', async (t) => {
  const storePathRootDir = await testFolder(t)
  const { client } = await startTestBroker(t, { ...ON, storePathRootDir })
  let sent = 0
  const send = async (): Promise<void> => {
    const properties = `n\u0001${sent++}`
    await client.call(sendV2({ topic: 'T', queueId: 0, body: Buffer.from('x'), properties, bornTimestampMs: 1 }))
  }
  const bitsOfLast = async (): Promise<Buffer | undefined> => {
    await send()
    return waitFor('the entry', () => readExtendedEntries(storePathRootDir, 'T')[sent - 1]?.unit?.bitMap)
  }
  const { bitPos } = bloom.dataOf('G#T')
  const isSet = (map: Buffer): boolean => bitPos.every((at) => ((map[at >> 3]! >> (at & 7)) & 1) === 1)
  for (let i = 0; i < 10; i++) await send()
  await client.call(heartbeat('n >= 5 AND n <> 7', 1))
  const map = await waitFor('a bit map', async () => {
    const last = await bitsOfLast()
    return last !== undefined && last.length > 0 ? last : undefined
  })
  deepEqual([map.length, isSet(map)], [bloom.bitNum / 8, true])
  for (let i = 0; i < 20; i++) await send()
  await waitFor('all entries', () => (readExtendedEntries(storePathRootDir, 'T').length === sent ? true : undefined))
  const all = Array.from({ length: sent }, (_, n) => n)
  deepEqual(
    await pullAll(client, sent),
    all.filter((n) => n >= 5 && n !== 7),
  )
  await client.call(heartbeat(`n < ${sent + 1} AND n <> 3`, 2))
  await waitFor('bit maps of the new filter', async () => {
    const last = await bitsOfLast()
    return last !== undefined && sent > all.length + 2 && !isSet(last) ? true : undefined
  })
  for (let i = 0; i < 5; i++) await send()
  deepEqual(
    await pullAll(client, sent),
    [...all, all.length].filter((n) => n !== 3),
  )
})
