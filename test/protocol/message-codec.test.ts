import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import type { Clock } from '../../lib/base/clock.ts'
import { systemClock } from '../../lib/base/clock.ts'
import { bodyCrc, crc32 } from '../../lib/protocol/crc32.ts'
import { addressBytes, addressLiteral, hostAddress, hostText } from '../../lib/protocol/host-address.ts'
import { readInt64, writeInt64 } from '../../lib/protocol/int64.ts'
import {
  createUniqId,
  decodeOffsetMessageId,
  decodeRecord,
  decodeRecords,
  deflateBody,
  encodeBatch,
  encodeOffsetMessageId,
  encodeRecord,
  forEachBatchMessage,
  inflateBody,
  MAGIC_V2,
  type RecordFields,
  UniqIds,
  uniqIdAddress,
  uniqIdBornTime,
} from '../../lib/protocol/message-codec.ts'

/** What Java 4.9.8 encodes for `fields`, and for the same with IPv6 hosts. */
const JAVA_RECORD =
  '0000006fdaa320a73610a6860000000300000005000000000000002a0000000200000000000000000000018bcfe5687b0a000001000015b3000001' +
  '8bcfe569c80a00000200002a9f0000000100000000000000000000000568656c6c6f06546f706963410009544147530154616741'
const JAVA_RECORD_IPV6 =
  '00000087daa320a73610a6860000000300000005000000000000002a0000000200000000000000300000018bcfe5687bfe80000000000000000000' +
  '0000000001000015b30000018bcfe569c820010db800000000000000000000000200002a9f0000000100000000000000000000000568656c6c6f06' +
  '546f706963410009544147530154616741'

const fields: RecordFields = {
  queueId: 3,
  flag: 5,
  queueOffset: 42,
  physicalOffset: 2 ** 33,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_123,
  bornHost: hostAddress('10.0.0.1', 5555),
  storeTimestamp: 1_700_000_000_456,
  storeHost: hostAddress('10.0.0.2', 10_911),
  reconsumeTimes: 1,
  preparedTransactionOffset: 0,
  body: Buffer.from('hello'),
  topic: 'TopicA',
  properties: new Map([['TAGS', 'TagA']]),
}
const ipv6: RecordFields = {
  ...fields,
  bornHost: hostAddress('fe80::1', 5555),
  storeHost: hostAddress('2001:db8::2', 10_911),
}

test('a record is encoded byte for byte as Java encodes it', () => {
  equal(encodeRecord(fields).toString('hex'), JAVA_RECORD)
  equal(encodeRecord(ipv6).toString('hex'), JAVA_RECORD_IPV6)
})

test('records that follow each other are decoded', () => {
  const first = Buffer.from(JAVA_RECORD, 'hex')
  const records = decodeRecords(Buffer.concat([first, Buffer.from(JAVA_RECORD_IPV6, 'hex')]))
  equal(records.length, 2)
  const { sizeBytes, magic, bodyCrc: crc, ...rest } = records[0]!
  deepEqual([sizeBytes, magic >>> 0, crc], [first.length, 0xdaa320a7, 907_060_870])
  deepEqual({ ...rest, body: rest.body.toString() }, { ...fields, body: 'hello' })
  equal(hostText(records[1]!.bornHost), '[fe80::1]:5555')
  equal(hostText(records[1]!.storeHost), '[2001:db8::2]:10911')
})

test('a topic over 127 bytes makes a record of the second kind', () => {
  const topic = 't'.repeat(200)
  const record = encodeRecord({ ...fields, topic })
  const decoded = decodeRecord(record)
  deepEqual([decoded.magic, decoded.topic, decoded.sizeBytes], [MAGIC_V2, topic, record.length])
})

test('no bytes make the decoder leave its range or fail otherwise than by saying so', () => {
  const valid = Buffer.from(JAVA_RECORD_IPV6, 'hex')
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (at, byte, length) => {
      const broken = Buffer.concat([valid.subarray(0, length), valid])
      if (at < length) broken[at] = byte
      try {
        const record = decodeRecord(broken, 0, length)
        equal(record.sizeBytes <= length, true)
      } catch (error) {
        equal((error as { code: string }).code, 'RECORD_ILLEGAL')
      }
    }),
    { numRuns: 2000 },
  )
})

test('properties over 32767 bytes are refused', () => {
  const properties = new Map([['a', 'x'.repeat(32_766)]])
  throws(() => encodeRecord({ ...fields, properties }), { code: 'PROPERTIES_TOO_LONG' })
  throws(() => encodeBatch([{ body: Buffer.alloc(1), properties }]), { code: 'PROPERTIES_TOO_LONG' })
})

test('a client batch is written as Java writes it and walked message by message', () => {
  const batch = encodeBatch([
    {
      body: Buffer.from('b1'),
      properties: new Map([
        ['WAIT', 'true'],
        ['TAGS', 'TagA'],
      ]),
    },
    { body: Buffer.from('b2'), properties: new Map([['WAIT', 'true']]), flag: 9 },
  ])
  equal(
    batch.toString('hex'),
    '0000002b000000000000000000000000000000026231001357414954017472756502544147530154616741' +
      '000000210000000000000000000000090000000262320009574149540174727565',
  )
  const seen: unknown[] = []
  const padded = Buffer.concat([Buffer.alloc(3), batch, Buffer.alloc(3)])
  const count = forEachBatchMessage(padded, 3, 3 + batch.length, (bodyStart, bodyEnd, propsStart, propsEnd, flag) =>
    seen.push([padded.toString('utf8', bodyStart, bodyEnd), padded.toString('utf8', propsStart, propsEnd), flag]),
  )
  equal(count, 2)
  deepEqual(seen, [
    ['b1', 'WAIT\u0001true\u0002TAGS\u0001TagA', 0],
    ['b2', 'WAIT\u0001true', 9],
  ])
})

test('a cut or changed batch is refused, or its messages stay within it', () => {
  const batch = encodeBatch(
    ['a', 'bcd', ''].map((text) => ({ body: Buffer.from(text), properties: new Map([['k', 'v']]) })),
  )
  fc.assert(
    fc.property(fc.nat(batch.length - 1), fc.nat(255), fc.nat(batch.length), (at, byte, length) => {
      const broken = Buffer.from(batch)
      broken[at] = byte
      try {
        forEachBatchMessage(broken, 0, length, (...range) => {
          const [bodyStart, bodyEnd, propsStart, propsEnd] = range
          equal(0 <= bodyStart && bodyStart <= bodyEnd && bodyEnd <= propsStart, true)
          equal(propsStart <= propsEnd && propsEnd <= length, true)
        })
      } catch (error) {
        equal((error as { code: string }).code, 'BATCH_ILLEGAL')
      }
    }),
    { numRuns: 2000 },
  )
})

test('a compressed body comes back, within its bound', () => {
  const body = Buffer.from('hello '.repeat(1000))
  const packed = deflateBody(body)
  equal(inflateBody(1, packed).equals(body), true)
  equal(inflateBody(1 | (3 << 8), packed).equals(body), true)
  equal(inflateBody(0, packed), packed)
  throws(() => inflateBody(1, packed, 5999), { code: 'BODY_TOO_LARGE' })
  throws(() => inflateBody(1, deflateSync(Buffer.alloc(17 * 1024 * 1024))), { code: 'BODY_TOO_LARGE' })
  throws(() => inflateBody(1, Buffer.from('junk')), { code: 'BODY_ILLEGAL' })
  throws(() => inflateBody(1 | (1 << 8), packed), { code: 'COMPRESSION_UNSUPPORTED', message: /lz4/ })
  throws(() => inflateBody(1 | (2 << 8), packed), { code: 'COMPRESSION_UNSUPPORTED', message: /zstd/ })
})

test('the body CRC is that of Java', () => {
  equal(bodyCrc(Buffer.from('hello')), 907_060_870)
  equal(crc32(Buffer.from('123456789')), 0xcbf43926)
  equal(crc32(Buffer.from('x123456789x'), 1, 10), 0xcbf43926)
})

test('a broker message id holds store host and offset, in both address families', () => {
  equal(encodeOffsetMessageId(fields.storeHost, 2 ** 33), '0A00000200002A9F0000000200000000')
  equal(encodeOffsetMessageId(ipv6.storeHost, 42), '20010DB800000000000000000000000200002A9F000000000000002A')
  const decoded = decodeOffsetMessageId('20010db800000000000000000000000200002A9F000000000000002A')
  equal(hostText(decoded.storeHost), '[2001:db8::2]:10911')
  equal(decoded.physicalOffset, 42)
  for (const id of ['', 'xyz', '0'.repeat(31), '0'.repeat(33), `${'0'.repeat(31)}g`]) {
    throws(() => decodeOffsetMessageId(id), { code: 'MESSAGE_ID_ILLEGAL' })
  }
})

const MAKER = { address: addressBytes('10.0.0.1'), processId: 0x15af8, instanceHash: 0x30946e09 }

test('a client message id has the layout of Java and tells its time and place', () => {
  const nowMs = new Date(2026, 10, 21, 10, 12, 7, 500).getTime()
  const monthStart = new Date(2026, 10, 1).getTime()
  const id = createUniqId({ ...MAKER, sinceMonthStartMs: nowMs - 5 - monthStart, counter: 3 })
  equal(id.slice(0, 20), '0A0000015AF830946E09')
  equal(id.length, 32)
  equal(id.slice(-4), '0003')
  equal(uniqIdBornTime(id, nowMs), nowMs - 5)
  equal(addressLiteral(uniqIdAddress(id)), '10.0.0.1')
  equal(createUniqId({ ...MAKER, address: addressBytes('::1'), sinceMonthStartMs: 0, counter: 0 }).length, 56)
})

test('a client message id from the end of last month is not taken for one of the future', () => {
  const bornMs = new Date(2026, 9, 31, 23, 59).getTime()
  const sinceMonthStartMs = bornMs - new Date(2026, 9, 1).getTime()
  const id = createUniqId({ ...MAKER, sinceMonthStartMs, counter: 0 })
  equal(uniqIdBornTime(id, new Date(2026, 10, 1, 0, 1).getTime()), bornMs)
})

test('client message ids of one maker differ even within a millisecond', () => {
  const clock: Clock = { ...systemClock, nowMs: () => new Date(2026, 0, 2).getTime() }
  const ids = new UniqIds(MAKER, clock)
  const made = new Set(Array.from({ length: 65_536 }, () => ids.next()))
  equal(made.size, 65_536)
})

test('addresses are read and written in both families', () => {
  for (const literal of [
    '127.0.0.1',
    '::',
    '::1',
    'fe80::1',
    '2001:db8::2:0:0:1',
    '1:2:3:4:5:6:7:8',
    '1:0:2:3:4:5:6:7',
  ]) {
    equal(addressLiteral(addressBytes(literal)), literal)
  }
  equal(addressBytes('::ffff:1.2.3.4').toString('hex'), '00000000000000000000ffff01020304')
  equal(addressBytes('fe80::1%eth0').length, 16)
  throws(() => addressBytes('localhost'), { code: 'ADDRESS_ILLEGAL' })
})

test('64-bit integers keep what a number can hold', () => {
  const buffer = Buffer.alloc(9)
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      equal(writeInt64(buffer, value, 1), 9)
      equal(readInt64(buffer, 1), value)
      equal(buffer.readBigInt64BE(1), BigInt(value))
    }),
  )
})
