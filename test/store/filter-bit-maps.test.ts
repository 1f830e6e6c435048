import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { FilterError, SqlFilter, sqlProgram } from '../../lib/filter/index.ts'
import { FilterBits } from '../../lib/store/filter-bits.ts'
import {
  AppendBatch,
  type MessageStore,
  openMessageStore,
  PullResult,
  PullStatus,
  type StoreFilter,
  type TopicHandle,
} from '../../lib/store/index.ts'
import { everyPair, sqlMessage, sqlText } from '../filter/support/random-sql.ts'
import { readExtendedEntries } from '../support/extension-reader.ts'
import {
  addRow,
  openTestStore,
  recordBody,
  smallStore,
  splitRecords,
  temporaryDirectory,
  whenDispatched,
} from './support/store-fixture.ts'

const EXT = { consumeQueueExt: { enabled: true, bitMapBits: 1 << 14 } }
type Message = Readonly<Record<string, string | undefined>>

/** Texts that only Java's own reader of numbers can tell of: the engine may let them pass. */
const ODD = /[^ -~]|\d[ef]|0x|NaN|Infinity|\d{16}/
const oddMessage = fc.record(
  {
    a: fc.constantFrom('1e1', '\u0665', '0x1p3', 'NaN', '-Infinity', '5f', '1234567890123456789', '5.', '\u00e9'),
    b: fc.constantFrom('5', '\ufffd', '\u00e9', '\u00ea', 'TRUE', '-0', '-0.0', '0x', '.', '5 kg'),
  },
  { requiredKeys: [] },
)

const stored = (message: Message): string =>
  Object.entries(message)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('')

const append = async (store: MessageStore, topic: TopicHandle, messages: readonly Message[], from = 0) => {
  const batch = new AppendBatch(messages.length)
  for (const [index, message] of messages.entries()) addRow(batch, topic, `${from + index}`, { more: stored(message) })
  store.append(batch)
  await whenDispatched(store)
}

/** Numbers of the messages that the bits leave. */
const pull = (store: MessageStore, topic: TopicHandle, bits: FilterBits, from = 0): number[] => {
  const into = Buffer.alloc(1 << 20)
  const result = new PullResult()
  bits.maxEntries = 10_000
  store.pull(topic, 0, from, 10_000, undefined, into.length, into, 0, result, true, bits)
  if (result.status !== PullStatus.FOUND) return []
  return splitRecords(into.subarray(0, result.sizeBytes)).map((record) => Number(recordBody(record)))
}

interface Filter extends StoreFilter {
  readonly sql: SqlFilter
}

const compiled = (topic: string, expressions: readonly string[]): Filter[] =>
  expressions.flatMap((expression, index) => {
    try {
      return [{ topic, bitPos: [index], sql: new SqlFilter(expression), program: sqlProgram(expression)! }]
    } catch (error) {
      if (error instanceof FilterError) return []
      throw error
    }
  })

const bitsOf = ({ bitPos }: StoreFilter, bitNum: number, knownFromOffset: number, bornTimeMs = 0): FilterBits =>
  new FilterBits({ bitNum, bitPos, knownFromOffset, bornTimeMs })

/** What the bits leave is all that the filter passes, and nothing else but what nobody can tell. */
const checkPulled = ({ sql }: Filter, pulled: readonly number[], messages: readonly Message[], known = 0): void => {
  const left = new Set(pulled)
  for (const [number, message] of messages.entries()) {
    const passes = number < known || sql.matches(Buffer.from(stored(message)))
    const isOdd = Object.values(message).some((value) => ODD.test(value ?? ''))
    const what = `${sql.expression} of ${JSON.stringify(message)}`
    if (passes) ok(left.has(number), `skipped: ${what}`)
    else if (!isOdd) ok(!left.has(number), `not skipped: ${what}`)
  }
}

test('the bit maps say of every pair of operands what the filters say of the records', async (t) => {
  const store = await openTestStore(t, EXT)
  const filters = compiled('T', everyPair)
  ok(filters.length > 1000)
  const bitNum = Math.ceil(everyPair.length / 8) * 8
  const knownFrom = store.setFilters(bitNum, filters)
  const messages = [...fc.sample(sqlMessage, 60), ...fc.sample(oddMessage, 60)]
  await append(store, store.topic('T'), messages)
  for (const filter of filters) {
    checkPulled(filter, pull(store, store.topic('T'), bitsOf(filter, bitNum, knownFrom)), messages)
  }
})

test('with any filters that change between any messages no pull misses one that its filter passes', async (t) => {
  const store = await openTestStore(t, EXT)
  const some = fc.array(sqlText, { minLength: 1, maxLength: 16 })
  const sent = fc.array(fc.oneof({ arbitrary: sqlMessage, weight: 3 }, oddMessage), { minLength: 1, maxLength: 12 })
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(some, sent), { minLength: 1, maxLength: 3 }), async (steps) => {
      const name = `T${round++}`
      const topic = store.topic(name)
      const messages: Message[] = []
      for (const [expressions, more] of steps) {
        const known = messages.length
        const filters = compiled(name, expressions)
        const knownFrom = store.setFilters(16, filters)
        await append(store, topic, more, known)
        messages.push(...more)
        for (const filter of filters) {
          const bits = bitsOf(filter, 16, knownFrom)
          checkPulled(filter, pull(store, topic, bits), messages, known)
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('an entry stored up to the birth of a filter, or with a bit map of other size, is not skipped', async (t) => {
  const store = await openTestStore(t, EXT)
  const topic = store.topic('T')
  const [filter] = compiled('T', ['a = 5'])
  const knownFrom = store.setFilters(16, [filter!])
  await append(store, topic, [{ a: '5' }, { a: '6' }])
  deepEqual(pull(store, topic, bitsOf(filter!, 16, knownFrom)), [0])
  deepEqual(pull(store, topic, bitsOf(filter!, 16, knownFrom, Date.now() + 60_000)), [0, 1])
  deepEqual(pull(store, topic, bitsOf(filter!, 8, knownFrom)), [0, 1])
  deepEqual(pull(store, topic, bitsOf(filter!, 16, store.watermarks.appended)), [0, 1])
  const revoked = bitsOf(filter!, 16, knownFrom)
  revoked.revoke()
  deepEqual(pull(store, topic, revoked), [0, 1])
  store.setFilters(16, [])
  await append(store, topic, [{ a: '6' }], 2)
  deepEqual(pull(store, topic, bitsOf(filter!, 16, knownFrom)), [0, 2])
})

test('bit maps that stand there when a store opens are read over, whoever wrote them', async (t) => {
  const directory = join(await temporaryDirectory(t), 'store')
  const written = await openMessageStore(smallStore(directory, EXT))
  written.setFilters(16, compiled('T', ['a = 5']))
  await append(written, written.topic('T'), [{ a: '5' }, { a: '6' }])
  await written.close()
  const store = await openMessageStore(smallStore(directory, EXT))
  const topic = store.topic('T')
  const [filter] = compiled('T', ['a = 6'])
  const bits = bitsOf(filter!, 16, store.setFilters(16, [filter!]))
  await append(store, topic, [{ a: '5' }, { a: '6' }], 2)
  deepEqual(pull(store, topic, bits), [0, 1, 3])
  await store.close()
  deepEqual(
    readExtendedEntries(directory, 'T').map(({ unit }) => unit!.bitMap.toString('hex')),
    ['0100', '0000', '0000', '0100'],
  )
})

test('damaged programs are refused, and those before stay', async (t) => {
  const store = await openTestStore(t, EXT)
  const topic = store.topic('T')
  const [filter] = compiled('T', ["a = 'x' AND b IN ('y', 'z')"])
  const knownFrom = store.setFilters(8, [filter!])
  const { program } = filter!
  const refused = { code: 'STORE_INVALID_ARGUMENT' }
  for (let size = 0; size < program.length; size++) {
    throws(() => store.setFilters(8, [{ ...filter!, program: program.subarray(0, size) }]), refused)
  }
  throws(() => store.setFilters(8, [{ ...filter!, bitPos: [8] }]), refused)
  throws(() => store.setFilters(8, [{ ...filter!, bitPos: [] }]), refused)
  throws(() => store.setFilters(0, []), refused)
  await append(store, topic, [{ a: 'x', b: 'y' }, { a: 'x' }])
  deepEqual(pull(store, topic, bitsOf(filter!, 8, knownFrom)), [0])
})

test('an expression beyond the limits of the engine has no program', () => {
  equal(sqlProgram(Array.from({ length: 129 }, (_, n) => `p${n} = 1`).join(' OR ')), undefined)
  equal(sqlProgram("a = '\ud800'"), undefined)
  equal(sqlProgram("a CONTAINS '\ufffd'"), undefined)
  equal(sqlProgram(`a IN (${Array.from({ length: 5000 }, () => "'x'").join(',')})`), undefined)
  const deep = (levels: number): string => (levels === 0 ? 'a = 1' : `TRUE = (${deep(levels - 1)})`)
  ok(sqlProgram(deep(60)) !== undefined)
  equal(sqlProgram(deep(70)), undefined)
})
