import fc from 'fast-check'
import type { Properties } from './sql-cases.ts'

const NUMBERS = ['0', '5', '7', '-5', '5.0', '2.5', '-2.5', '3000000000', '5L', '-3000000000', '2147483647']
const TEXTS = ["'5'", "'x'", "'abc'", "'true'", "''", "'it''s'", "'2.5'"]
const VALUES = ['5', '-5', '+7', '5.0', '2.5', '3000000000', '2147483648', 'x', 'abc', 'true', "it's", '1e1', ' 5']

const number = fc.constantFrom(...NUMBERS)
const text = fc.constantFrom(...TEXTS)
const property = fc.constantFrom('a', 'b', 'c')
const not = fc.constantFrom('', 'NOT ')
const order = fc.constantFrom('>', '>=', '<', '<=')
const equality = fc.constantFrom('=', '<>')

const { condition: randomCondition } = fc.letrec<{ value: string; operand: string; atom: string; condition: string }>(
  (tie) => ({
    value: fc.oneof(
      { arbitrary: property, weight: 4 },
      { arbitrary: number, weight: 3 },
      { arbitrary: text, weight: 1 },
      { arbitrary: tie('operand').map((of) => `-${of}`), weight: 1 },
    ),
    operand: fc.oneof(
      { depthSize: 'small' },
      property,
      number,
      fc.constantFrom('TRUE', 'FALSE', 'NULL'),
      text,
      tie('condition').map((condition) => `(${condition})`),
    ),
    atom: fc.oneof(
      fc.tuple(tie('value'), order, tie('value')).map((parts) => parts.join(' ')),
      fc.tuple(tie('operand'), equality, tie('operand')).map((parts) => parts.join(' ')),
      fc.tuple(tie('operand'), not).map(([of, no]) => `${of} IS ${no}NULL`),
      fc.tuple(property, not, number, number).map(([of, no, low, high]) => `${of} ${no}BETWEEN ${low} AND ${high}`),
      fc
        .tuple(property, not, fc.array(text, { minLength: 1, maxLength: 10 }))
        .map(([of, no, all]) => `${of} ${no}IN (${all.join(',')})`),
      fc
        .tuple(tie('operand'), not, fc.constantFrom('CONTAINS', 'STARTSWITH', 'ENDSWITH'), text)
        .map(([of, no, by, t]) => `${of} ${no}${by} ${t}`),
      property,
      fc.constantFrom('TRUE', 'FALSE', 'NULL'),
    ),
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('atom'),
      fc.tuple(tie('condition'), fc.constantFrom('AND', 'OR'), tie('condition')).map((parts) => parts.join(' ')),
      tie('condition').map((of) => `NOT (${of})`),
      tie('condition').map((of) => `(${of})`),
    ),
  }),
)

/** The text of a condition: nearly all are well typed, some are not. */
export const sqlText: fc.Arbitrary<string> = randomCondition

/** A message with some of the properties that the conditions name. */
export const sqlMessage: fc.Arbitrary<Properties> = fc.record(
  { a: fc.constantFrom(...VALUES), b: fc.constantFrom(...VALUES), c: fc.constantFrom(...VALUES) },
  { requiredKeys: [] },
)

const OPERANDS = [
  'a',
  'b',
  '5',
  '-5',
  '3000000000',
  '2.5',
  "'x'",
  "'5'",
  'TRUE',
  'NULL',
  '-a',
  '(a > 1)',
  '-(a > 1)',
  '-(a > b)',
]
const OPERATORS = ['=', '<>', '>', '>=', '<', '<=']

/** Every operator between every two kinds of operands, and the other predicates of every one. */
export const everyPair: readonly string[] = OPERANDS.flatMap((left) => [
  ...OPERATORS.flatMap((by) => OPERANDS.map((right) => `${left} ${by} ${right}`)),
  ...OPERANDS.flatMap((low) => ['10', 'b', "'x'", '-1'].map((high) => `${left} BETWEEN ${low} AND ${high}`)),
  ...OPERANDS.map((low) => `${left} NOT BETWEEN ${low} AND 10`),
  ...['IS NULL', 'IS NOT NULL', "IN ('x', '5')", "NOT IN ('x')"].map((test) => `${left} ${test}`),
  ...['CONTAINS', 'STARTSWITH', 'ENDSWITH'].flatMap((by) => [`${left} ${by} 'x'`, `${left} NOT ${by} 'x'`]),
])
