import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type DumpFilter, dumpStore, messageAt } from '../../../lib/store/inspect/index.ts'
import { flip, MESSAGES, placeOf, recordsOf, sampleStore, sampleTopic } from './support/sample-store.ts'

const numbersOf = (root: string, filter: DumpFilter = {}): number[] =>
  [...dumpStore(root, filter)].map((step) => {
    ok(step.kind === 'message')
    return Number(/^body (\d+) /.exec(step.message.body.toString())![1])
  })

const where = (takes: (n: number) => boolean): number[] => Array.from({ length: MESSAGES }, (_, n) => n).filter(takes)

test('a dump gives the messages that pass all filters, in the order of the log', async (t) => {
  const root = await sampleStore(t)
  const records = recordsOf(root)
  deepEqual(
    numbersOf(root),
    where(() => true),
  )
  deepEqual(
    numbersOf(root, { topic: 'Other' }),
    where((n) => sampleTopic(n) === 'Other'),
  )
  deepEqual(
    numbersOf(root, { topic: 'Sample', queueId: 1, tag: 'tag-2' }),
    where((n) => sampleTopic(n) === 'Sample' && n % 3 === 1 && n % 4 === 2),
  )
  deepEqual(numbersOf(root, { key: 'key-77' }), [77])
  deepEqual(numbersOf(root, { topic: 'No' }), [])
  const fromOffset = records[150]!.physicalOffset
  const toOffset = records[153]!.physicalOffset
  deepEqual(numbersOf(root, { fromOffset, toOffset }), [150, 151, 152])
  deepEqual(numbersOf(root, { fromOffset: fromOffset - 1, toOffset: toOffset - 1 }), [150, 151, 152])
  const storedAt = records[120]!.storeTimestampMs
  deepEqual(
    numbersOf(root, { fromMs: storedAt, toMs: storedAt + 1 }),
    where((n) => records[n]!.storeTimestampMs === storedAt),
  )
  deepEqual(numbersOf(root, { toMs: records[0]!.storeTimestampMs }), [])
})

test('one message is read by its physical offset, and nothing where no record begins', async (t) => {
  const root = await sampleStore(t)
  const record = recordsOf(root)[33]!
  const message = messageAt(root, record.physicalOffset)!
  deepEqual(message.body, record.body)
  equal(message.properties.get('KEYS'), 'key-33')
  equal(messageAt(root, record.physicalOffset + 1), undefined)
  equal(messageAt(root, 1 << 30), undefined)
})

test('a dump tells of damage and goes on behind it', async (t) => {
  const root = await sampleStore(t)
  const record = recordsOf(root)[60]!
  const { path, position } = placeOf(root, record.physicalOffset)
  flip(path, position + 120)
  const steps = [...dumpStore(root)]
  equal(steps.length, MESSAGES)
  const damage = steps[60]!
  ok(damage.kind === 'damage')
  deepEqual([damage.from, damage.to], [record.physicalOffset, record.physicalOffset + record.sizeBytes])
})
