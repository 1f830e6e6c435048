import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EndedHalves, Ending, HALVES_REMEMBERED } from '../../../lib/broker/transaction/ended-halves.ts'

test('what was noted is known, and runs of open and ended halves are found', () => {
  const offset = fc.nat(20_000)
  const notes = fc.array(fc.tuple(offset, fc.constantFrom(Ending.COMMITTED, Ending.ROLLED_BACK)), { maxLength: 50 })
  fc.assert(
    fc.property(notes, offset, fc.nat(3000), fc.boolean(), (ends, from, length, open) => {
      const halves = new EndedHalves()
      for (const [half, ending] of ends) halves.set(half, ending)
      const model = new Map<number, number>(ends)
      for (const [half, ending] of model) equal(halves.of(half), ending)
      let expected = from
      while (expected < from + length && model.has(expected) === open) expected += 1
      equal(halves.next(from, from + length, open), expected)
    }),
  )
})

test('memory is given back as halves are passed, but for a million of them', () => {
  const halves = new EndedHalves()
  for (let half = 0; half < 3 * HALVES_REMEMBERED; half += 1000) halves.set(half, Ending.ROLLED_BACK)
  ok(halves.sizeBytes >= 3 * HALVES_REMEMBERED)
  halves.passed(3 * HALVES_REMEMBERED)
  equal(halves.sizeBytes, HALVES_REMEMBERED)
  deepEqual([halves.of(0), halves.of(2_999_000)], [Ending.OPEN, Ending.ROLLED_BACK])
  halves.set(5, Ending.COMMITTED)
  equal(halves.sizeBytes, HALVES_REMEMBERED)
})
