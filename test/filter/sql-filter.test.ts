import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { FilterError, MAX_EXPRESSION_LENGTH, MAX_NESTING, MAX_OPERANDS, SqlFilter } from '../../lib/filter/index.ts'
import { parseSql } from '../../lib/filter/sql-parser.ts'
import { evaluateNaively, Thrown } from './support/naive-sql.ts'
import { sqlMessage, sqlText } from './support/random-sql.ts'
import { expressions, messages, type Properties, stored } from './support/sql-cases.ts'
import { differences } from './support/sql-table.ts'

test('every condition of the table gives what it gives in Java', () => {
  const inJava = JSON.parse(readFileSync(new URL('support/sql-results.json', import.meta.url), 'utf8')) as string[]
  equal(inJava.length, expressions.length)
  deepEqual(differences(expressions, messages, inJava), [])
})

const naively = (expression: string, message: Properties): unknown => {
  try {
    return evaluateNaively(parseSql(expression), message).value
  } catch (error) {
    if (error instanceof Thrown) return 'error'
    throw error
  }
}

test('a compiled condition gives what a plain evaluation of it gives', () => {
  fc.assert(
    fc.property(sqlText, fc.array(sqlMessage, { minLength: 1, maxLength: 5 }), (expression, sent) => {
      let filter: SqlFilter
      try {
        filter = new SqlFilter(expression)
      } catch (error) {
        return error instanceof FilterError
      }
      for (const message of sent) equal(filter.evaluate(stored(message)), naively(expression, message))
      return true
    }),
    { numRuns: 3000 },
  )
})

test('whatever text comes, it compiles or is refused with a reason', () => {
  const word = fc.constantFrom(
    'a',
    "'x'",
    '5',
    '(',
    ')',
    'NOT',
    'AND',
    'IN',
    'IS',
    'NULL',
    '=',
    '<',
    '-',
    '+',
    ',',
    'BETWEEN',
  )
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
  )
  fc.assert(
    fc.property(anything, (text) => {
      try {
        new SqlFilter(text).evaluate(Buffer.from('a\u0001x'))
      } catch (error) {
        equal(error instanceof FilterError && error.message.length > 0, true)
      }
    }),
    { numRuns: 3000 },
  )
})

test('a condition that holds through thousands of terms is evaluated, one over a limit is refused', () => {
  const all = stored({ a: '5' })
  const chained = (count: number): string => Array.from({ length: count }, () => 'a=5').join(' AND ')
  equal(new SqlFilter(chained(MAX_OPERANDS / 2)).matches(all), true)
  const nested = (count: number): string => `${'('.repeat(count)}a = 5${')'.repeat(count)}`
  equal(new SqlFilter(nested(MAX_NESTING - 1)).matches(all), true)
  const over = [
    chained(MAX_OPERANDS / 2 + 1),
    nested(MAX_NESTING),
    nested(30_000),
    `${'NOT '.repeat(10_000)}a`,
    `a = ${'-'.repeat(30_000)}5`,
    `a${' = a'.repeat(10_000)}`,
    `a${' IS NULL'.repeat(5000)}`,
    `a = '${'x'.repeat(MAX_EXPRESSION_LENGTH)}'`,
  ]
  for (const text of over)
    throws(() => new SqlFilter(text), { name: 'FilterError', code: 'FILTER_LIMIT' }, text.slice(0, 20))
})

test('what is wrong with an expression is said where it is', () => {
  const cases: [string, string, RegExp][] = [
    ['a = ', 'FILTER_SYNTAX', /^expected a value, found the end of the expression at character 5$/],
    ['a IN (5)', 'FILTER_SYNTAX', /^expected a string in quotes, found "5" at character 7$/],
    ["a = 'x", 'FILTER_SYNTAX', /^a string that does not end at character 5$/],
    ['a ! 5', 'FILTER_SYNTAX', /^unexpected "!" at character 3$/],
    ["a > 'x'", 'FILTER_TYPE', /^'x' cannot be compared by order/],
    ['a = NULL', 'FILTER_TYPE', /IS NULL/],
    ['a BETWEEN 5 AND 1', 'FILTER_TYPE', /^BETWEEN 5 AND 1 holds for nothing$/],
    ['5', 'FILTER_TYPE', /^5 is neither true nor false$/],
  ]
  for (const [text, code, message] of cases) throws(() => new SqlFilter(text), { code, message }, text)
})

test('of properties that are there twice the last counts, and those without a name or value do not', () => {
  const text = Buffer.from('a\u00011\u0002\u0001x\u0002b\u0001\u0002c\u0002a\u00012\u0002d\u0001e\u0001f\u0002')
  for (const condition of ['a = 2', 'b IS NULL', 'c IS NULL', "d = 'e\u0001f'"]) {
    equal(new SqlFilter(condition).matches(text), true, condition)
  }
})

test('bytes that are no UTF-8 are what Java decodes them to', () => {
  const text = Buffer.concat([Buffer.from('a\u0001x'), Buffer.from([0xff, 0xc3]), Buffer.from('\u0002b\u00015')])
  equal(new SqlFilter("a = 'x\ufffd\ufffd' AND b = 5").matches(text), true)
  equal(new SqlFilter("a ENDSWITH '\ufffd'").matches(text), true)
  equal(new SqlFilter("a = 'x'").matches(text), false)
})

test('only the given part of a buffer is looked at', () => {
  const text = Buffer.from('a\u00015\u0002b\u00016\u0002c\u00017')
  const filter = new SqlFilter('a IS NULL AND b = 6 AND c IS NULL')
  equal(filter.matches(text, 4, 7), true)
  equal(filter.matches(text), false)
})

test('a text is found wherever it stands, whatever of it stands before', () => {
  for (const end of ['', '\ufffd']) {
    for (const [text, wanted, holds] of [
      ['aab', 'ab', true],
      ['abababc', 'ababc', true],
      ['aabaabaaab', 'aabaaab', true],
      ['aabaabaab', 'aabaaab', false],
      ['ab', 'abc', false],
    ] as const) {
      const properties = Buffer.from(`k\u0001${text}${end}\u0002l\u0001c`)
      equal(new SqlFilter(`k CONTAINS '${wanted}${end}'`).matches(properties), holds, `${wanted} in ${text}`)
    }
  }
})

test('hexadecimal numbers of any length are what Java reads them as', () => {
  const zeros = '0'.repeat(30_000)
  for (const [text, value] of [
    [`0x.${zeros}1p120004`, '1.0'],
    [`0x1${zeros}p-120000`, '1.0'],
    [`0x${zeros}1p0`, '1.0'],
    [`0x1.00000000000008${zeros}p0`, '1.0'],
    [`0x1.00000000000008${zeros}1p0`, '1.0000000000000002'],
  ] as const) {
    equal(new SqlFilter(`k = ${value}`).matches(Buffer.from(`k\u0001${text}`)), true, text.slice(0, 20))
  }
})

test('expressions and texts that are made to take long take a time that grows with their length only', () => {
  const signs = `a=${'-'.repeat(190)}1 or `
  equal(new SqlFilter(`${signs.repeat(300)}a IS NULL`).matches(Buffer.alloc(0)), true)
  const properties = Buffer.from(`k\u0001${'a'.repeat(32_000)}`)
  const searches = Array.from({ length: 3 }, (_, i) => `k CONTAINS '${'a'.repeat(16_000)}b${i}'`)
  const filter = new SqlFilter(searches.join(' or '))
  for (let i = 0; i < 100; i++) equal(filter.matches(properties), false)
})
