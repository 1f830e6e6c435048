import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../../lib/base/clock.ts'
import type { PullFilter } from '../../../lib/broker/pull/pull-filter.ts'
import type { PullPlan } from '../../../lib/broker/pull/pull-plan.ts'
import { type PullBounds, PullReader } from '../../../lib/broker/pull/pull-reader.ts'
import { SqlFilter, sqlProgram } from '../../../lib/filter/index.ts'
import { propertiesEnd, propertiesStart } from '../../../lib/protocol/record-properties.ts'
import { AppendBatch, FilterBits, type MessageStore, PullStatus } from '../../../lib/store/index.ts'
import { addRow, openTestStore, recordBody, splitRecords, whenDispatched } from '../../store/support/store-fixture.ts'

const EXT = { consumeQueueExt: { enabled: true, bitMapBits: 16 } }

interface Read {
  readonly bodies: readonly string[]
  readonly next: number
}

const readOnce = (store: MessageStore, topic: string, filter: PullFilter, from: number, bounds: PullBounds): Read => {
  const reader = new PullReader(store, systemClock)
  const plan = { queueId: 0, topicHandle: store.topic(topic), filter } as PullPlan
  reader.read(plan, from, bounds, 'always')
  const { status, sizeBytes, nextBeginOffset: next } = reader.result
  const bytes = status === PullStatus.FOUND ? reader.records.subarray(0, sizeBytes) : Buffer.alloc(0)
  return { bodies: splitRecords(bytes).map(recordBody), next }
}

test('pulls with bit maps get what pulls without get, however much one may carry', async (t) => {
  const store = await openTestStore(t, EXT)
  const sql = new SqlFilter('n > 1')
  const accepts = (records: Buffer, recordStart: number): boolean => {
    const start = propertiesStart(records, recordStart)
    return sql.matches(records, start, propertiesEnd(records, start))
  }
  const message = fc.record({ n: fc.nat(3), bodyBytes: fc.constantFrom(5, 300, 2000) })
  const bounds = fc.record({ maxCount: fc.integer({ min: 1, max: 40 }), maxBytes: fc.constantFrom(1, 1000, 100_000) })
  const counts = { minLength: 0, maxLength: 120 }
  let round = 0
  const check = fc.asyncProperty(
    fc.array(message, counts),
    fc.array(message, counts),
    bounds,
    async (old, sent, at) => {
      const name = `T${round++}`
      const bits = { bitPos: [3, 11], bitNum: 16, bornTimeMs: 0 }
      store.setFilters(16, [])
      const append = (messages: typeof old, first: number): void => {
        const batch = new AppendBatch(Math.max(1, messages.length))
        for (const [index, { n, bodyBytes }] of messages.entries()) {
          addRow(batch, store.topic(name), `${first + index}`.padEnd(bodyBytes), { more: `n\u0001${n}\u0002` })
        }
        if (messages.length > 0) store.append(batch)
      }
      append(old, 0)
      const filters = [{ topic: name, bitPos: bits.bitPos, program: sqlProgram('n > 1')! }]
      const knownFromOffset = store.setFilters(16, filters)
      append(sent, old.length)
      if (old.length + sent.length === 0) return
      await whenDispatched(store)
      const plain = { tagCodes: undefined, accepts }
      const skipping = { ...plain, bits: new FilterBits({ ...bits, knownFromOffset }) }
      const drain = (filter: PullFilter): string[] => {
        const bodies: string[] = []
        for (let from = 0; from < old.length + sent.length; ) {
          const read = readOnce(store, name, filter, from, at)
          ok(read.next > from && read.bodies.length <= at.maxCount)
          bodies.push(...read.bodies)
          from = read.next
        }
        return bodies
      }
      deepEqual(drain(skipping), drain(plain))
      const whole = { maxCount: 240, maxBytes: 1 << 20 }
      deepEqual(readOnce(store, name, skipping, 0, whole), readOnce(store, name, plain, 0, whole))
    },
  )
  await fc.assert(check, { numRuns: 40 })
})

test('a pull with bit maps looks at 800 entries, as one without', async (t) => {
  const store = await openTestStore(t, EXT)
  const topic = store.topic('T')
  const knownFromOffset = store.setFilters(16, [{ topic: 'T', bitPos: [1], program: sqlProgram('n > 1')! }])
  const batch = new AppendBatch(1700)
  for (let n = 0; n < 1700; n++) addRow(batch, topic, `${n}`, { more: `n\u0001${n % 700 === 0 ? 5 : 0}\u0002` })
  store.append(batch)
  await whenDispatched(store)
  const bits = new FilterBits({ bitNum: 16, bitPos: [1], knownFromOffset, bornTimeMs: 0 })
  const filter = { tagCodes: undefined, accepts: () => true, bits }
  const at = { maxCount: 32, maxBytes: 1 << 20 }
  deepEqual(readOnce(store, 'T', filter, 0, at), { bodies: ['0', '700'], next: 800 })
  deepEqual(readOnce(store, 'T', filter, 800, at), { bodies: ['1400'], next: 1600 })
  deepEqual(readOnce(store, 'T', filter, 1600, at), { bodies: [], next: 1700 })
})

test('a read that comes to a message on disk goes on there, not at the entries it skipped', () => {
  const store = {
    pull: (...[, , from, , , , , , result]: Parameters<MessageStore['pull']>) => {
      result.replace(PullStatus.NOT_IN_MEMORY, Math.max(from, 100), 0, 0)
    },
  }
  const bits = new FilterBits({ bitNum: 16, bitPos: [1], knownFromOffset: 0, bornTimeMs: 0 })
  const filter = { tagCodes: undefined, accepts: () => true, bits }
  const reader = new PullReader(store, systemClock)
  const plan = { queueId: 0, topicHandle: 0, filter } as unknown as PullPlan
  reader.read(plan, 7, { maxCount: 32, maxBytes: 1000 }, 'never')
  deepEqual([reader.result.status, reader.result.nextBeginOffset], [PullStatus.NOT_IN_MEMORY, 100])
})
