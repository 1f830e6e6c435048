import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatPlainProperties,
  formatProperties,
  parseProperties,
  parsePropertiesBytes,
} from '../../lib/base/properties-file.ts'

test('a file is read as java.util.Properties reads it', () => {
  const text = 'a=1\n b : two words  \n! c\n# d\nk\\ ey\\=x=v\\u0041\\\n   cont\\tx\nempty\nc:\\\\dir\\\\x\nu=é\n'
  deepEqual(
    [...parseProperties(text)],
    [
      ['a', '1'],
      ['b', 'two words  '],
      ['k ey=x', 'vAcont\tx'],
      ['empty', ''],
      ['c', '\\dir\\x'],
      ['u', 'é'],
    ],
  )
})

test('separators, comments and continued lines are told apart', () => {
  deepEqual(
    [...parseProperties('a  =  =b\r\nc\td\r#x\\\re=1\\\\\n\\ f=2\ng=x\\\n#y\n\n  \nlast\\')],
    [
      ['a', '=b'],
      ['c', 'd'],
      ['e', '1\\'],
      [' f', '2'],
      ['g', 'x#y'],
      ['last', ''],
    ],
  )
})

test('the last of two equal keys wins and unknown keys are kept', () => {
  deepEqual(
    [...parseProperties('x=1\nbrokerName=a\nx=2')],
    [
      ['x', '2'],
      ['brokerName', 'a'],
    ],
  )
})

test('bytes are taken as UTF-8 where they are that, else as ISO-8859-1', () => {
  equal(parsePropertiesBytes(Buffer.from('a=é')).get('a'), 'é')
  equal(parsePropertiesBytes(Buffer.from('a=é', 'latin1')).get('a'), 'é')
  equal(parsePropertiesBytes(Buffer.from('\ufeffa=1')).get('a'), '1')
})

test('what is written escapes as Java does', () => {
  equal(
    formatProperties(new Map([['k ey=x', ' a b\té#!:=\\']]), 'one\ntwo'),
    '#one\n#two\nk\\ ey\\=x=\\ a b\\t\\u00E9\\#\\!\\:\\=\\\\\n',
  )
  equal(
    formatPlainProperties(
      new Map([
        ['a', 'x y'],
        ['b', ''],
      ]),
    ),
    'a=x y\nb=\n',
  )
})

test('whatever is written is read again', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.constantFrom(' ', '\t', '\f', '\\', '=', ':', '#', '!', '\n', '\r'),
    ),
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text)), (entries) => {
      const table = new Map(entries)
      deepEqual(parseProperties(formatProperties(table)), table)
    }),
    { numRuns: 1000 },
  )
})

test('a line continued a million times is read in one go', () => {
  const startedAt = performance.now()
  equal(parseProperties('k=\\\n'.concat('ab\\\n'.repeat(1_000_000))).get('k')?.length, 2_000_000)
  ok(performance.now() - startedAt < 10_000)
})
