import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KnownTexts } from '../../lib/protocol/known-texts.ts'

test('a text is the one that its bytes say, however many others came before', () => {
  const known = new KnownTexts()
  const text = fc.string({ unit: 'binary-ascii', maxLength: 140 })
  fc.assert(
    fc.property(fc.array(text, { maxLength: 50 }), (texts) => {
      for (const one of [...texts, ...texts]) {
        const bytes = Buffer.from(`<${one}>`, 'latin1')
        equal(known.of(bytes, 1, bytes.length - 1), one)
      }
    }),
  )
})
