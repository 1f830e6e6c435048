import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../lib/base/clock.ts'
import { filterMessageOf } from '../../lib/filtersrv/filter-message.ts'
import { openSandbox } from '../../lib/filtersrv/sandbox.ts'
import { decodeRecord, deflateBody, encodeRecord } from '../../lib/protocol/message-codec.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** A millisecond goes by each time it is looked at. */
const tickingClock = (): Clock => {
  const clock = new ManualClock()
  return Object.assign(Object.create(clock) as Clock, {
    monotonicMs: () => {
      clock.advance(1)
      return clock.monotonicMs()
    },
  })
}

const message = (body: string, properties: Record<string, string> = {}, compressed = false) => {
  const host = { bytes: Buffer.alloc(4), port: 1 }
  return filterMessageOf(
    decodeRecord(
      encodeRecord({
        ...{ queueId: 3, flag: 7, queueOffset: 42, physicalOffset: 0, sysFlag: compressed ? 1 : 0 },
        ...{ bornTimestamp: 1, storeTimestamp: 2, reconsumeTimes: 0, preparedTransactionOffset: 0 },
        ...{ bornHost: host, storeHost: host, topic: 'T', properties: new Map(Object.entries(properties)) },
        body: compressed ? deflateBody(Buffer.from(body)) : Buffer.from(body),
      }),
    ),
  )
}

const load = async (source: string) => (await openSandbox(tickingClock(), { memoryBytes: 1 << 20 })).load(source)
const matching = async (source: string, ...messages: ReturnType<typeof message>[]): Promise<boolean[]> => {
  const filter = await load(source)
  try {
    return filter.matching(messages, 'G', 1000)
  } finally {
    filter.dispose()
  }
}

test('a filter sees properties, tags, numbers, body and text of a message, and its group', async () => {
  const source = `function match(m, { consumerGroup }) {
    return m.topic === 'T' && m.tags === 'A' && m.keys === undefined && m.properties.price > 10 && m.queueOffset === 42 &&
      m.flag === 7 && m.queueId === 3 && m.text === 'grün' && m.body.length === 5 && m.body[0] === 103 && consumerGroup === 'G'
  }`
  const properties = { TAGS: 'A', price: '11' }
  const others = { TAGS: 'A', price: '9' }
  const sent = [message('grün', properties), message('grün', properties, true), message('grün', others)]
  deepEqual(await matching(source, ...sent), [true, true, false])
})

test('only true passes', async () => {
  for (const value of ['1', '"true"', '{}', 'Promise.resolve(true)', 'undefined', 'null', 'new Boolean(true)']) {
    deepEqual(await matching(`function match() { return ${value} }`, message('x')), [false], value)
  }
})

test('a filter cannot change how it is called, and knows nothing of Node', async () => {
  const source = `
    JSON.parse = () => ({ topic: 'fooled' }); Object.defineProperty = () => { throw new Error('fooled') }
    const nothing = [typeof process, typeof require, typeof globalThis.fetch, typeof setTimeout, typeof WebAssembly]
    function match(m) { return m.topic === 'T' && m.text === 'x' && nothing.every((type) => type === 'undefined') }`
  deepEqual(await matching(source, message('x')), [true])
})

test('a source that is none is refused with the reason', async () => {
  await openSandbox(tickingClock())
  const cases: [string, string, RegExp][] = [
    ['function (', 'FILTER_SOURCE', /SyntaxError/],
    ['1', 'FILTER_SOURCE', /no function match/],
    ['throw new Error("no")', 'FILTER_SOURCE', /Error: no/],
    ['throw "text"', 'FILTER_SOURCE', /text/],
    ['for (;;) {}', 'FILTER_TIMEOUT', /too long/],
  ]
  const sandbox = await openSandbox(tickingClock(), { memoryBytes: 1 << 20 })
  for (const [source, code, message_] of cases) throws(() => sandbox.load(source), { code, message: message_ }, source)
})

test('a filter that fails, takes too long or too much memory ends alone', async () => {
  const cases: [string, string][] = [
    ['throw new TypeError("no")', 'FILTER_FAILED'],
    ['return m.properties.none.x', 'FILTER_FAILED'],
    ['for (;;) {}', 'FILTER_TIMEOUT'],
    ['try { for (;;) {} } catch { } for (;;) {}', 'FILTER_TIMEOUT'],
    ['return match(m)', 'FILTER_FAILED'],
    ['const all = []; for (;;) all.push(new Uint8Array(100000))', 'FILTER_FAILED'],
    ['return "x".repeat(1 << 24).length > 0', 'FILTER_FAILED'],
    ['throw { get message() { for (;;) {} } }', 'FILTER_FAILED'],
  ]
  const sandbox = await openSandbox(tickingClock(), { memoryBytes: 1 << 20 })
  const good = sandbox.load('function match(m) { return m.text === "x" }')
  for (const [body, code] of cases) {
    const filter = sandbox.load(`function match(m) { ${body} }`)
    let failure: unknown
    try {
      filter.matching([message('x')], 'G', 1000)
    } catch (error) {
      failure = error
    }
    const found = (failure as { code?: string } | undefined)?.code
    equal(found === code || found === 'FILTER_TIMEOUT', true, `${body}: ${String(failure)}`)
    filter.dispose()
    deepEqual(good.matching([message('x'), message('y')], 'G', 1000), [true, false])
  }
  good.dispose()
})
