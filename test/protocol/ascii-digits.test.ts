import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_DECIMAL_BYTES, writeDecimal, writeHex64 } from '../../lib/protocol/ascii-digits.ts'
import { isTrueWord } from '../../lib/protocol/json-bytes.ts'

const into = Buffer.alloc(MAX_DECIMAL_BYTES + 8)

const edges = [0, 1, 9, 10, 99, 1e9 - 1, 1e9, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 1e10, 1e15, Number.MAX_SAFE_INTEGER]

const decimal = (value: number): string => into.toString('latin1', 3, writeDecimal(value, into, 3))
const hex = (value: number): string => into.toString('latin1', 3, writeHex64(value, into, 3))

test('safe integers are written in decimal as String writes them', () => {
  for (const value of edges) for (const signed of [value, 0 - value]) equal(decimal(signed), String(signed))
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => decimal(value) === String(value)))
  fc.assert(fc.property(fc.integer(), (value) => decimal(value) === String(value)))
})

test('offsets are written as sixteen upper-case hex digits', () => {
  const expected = (value: number) => value.toString(16).toUpperCase().padStart(16, '0')
  for (const value of edges) equal(hex(value), expected(value))
  fc.assert(fc.property(fc.maxSafeNat(), (value) => hex(value) === expected(value)))
})

test('the word true is taken in any case, and no other text', () => {
  const isTrue = (text: string) => isTrueWord(Buffer.from(`x${text}y`), 1, 1 + Buffer.byteLength(text))
  for (const text of ['true', 'TRUE', 'tRuE']) equal(isTrue(text), true, text)
  for (const text of ['', 'tru', 'truee', 'false', ' true', 'trud', '\u0014rue', 'TrUE '])
    equal(isTrue(text), false, text)
  fc.assert(fc.property(fc.string({ maxLength: 6 }), (text) => isTrue(text) === (text.toLowerCase() === 'true')))
})
