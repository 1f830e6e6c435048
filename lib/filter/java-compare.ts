import { compareDoubles, doubleOf, int32Of, int64Of } from './java-numbers.ts'
import type { Comparison, SqlValue } from './sql-expression.ts'

/** Outcome of a condition. */
export const Outcome = {
  FALSE: 0,
  TRUE: 1,
  NULL: 2,
  /** Java throws here, and the message does not pass. */ ERROR: 3,
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

const UNLIKE = -1

/** The left of two, and the right, by a number below, equal to or above 0; undefined where Java throws. */
export const compareJava = (left: SqlValue, right: SqlValue): number | undefined => {
  switch (left.type) {
    case 'boolean':
      if (right.type === 'boolean') return Number(left.value) - Number(right.value)
      return right.type === 'string' ? undefined : UNLIKE
    case 'string':
      return compareText(left.value, right)
    default:
      if (right.type === 'boolean') return UNLIKE
      if (right.type === 'string') return compareNumbers(left, numberOf(right.value, left.type))
      return compareNumbers(left, right)
  }
}

type NumberValue = Extract<SqlValue, { readonly type: 'int' | 'long' | 'double' }>

const compareText = (text: string, right: SqlValue): number | undefined => {
  switch (right.type) {
    case 'string':
      return text === right.value ? 0 : text < right.value ? -1 : 1
    case 'boolean':
      return Number(text.toLowerCase() === 'true') - Number(right.value)
    default: {
      const left = numberOf(text, right.type)
      return left === undefined ? undefined : compareNumbers(left, right)
    }
  }
}

/** A text becomes what it is compared with. */
const numberOf = (text: string, type: NumberValue['type']): NumberValue | undefined => {
  const value = type === 'int' ? int32Of(text) : type === 'long' ? int64Of(text) : doubleOf(text)
  return value === undefined ? undefined : ({ type, value } as NumberValue)
}

const compareNumbers = (left: NumberValue, right: NumberValue | undefined): number | undefined => {
  if (right === undefined) return undefined
  if (left.type === 'double' || right.type === 'double') {
    return compareDoubles(Number(left.value), Number(right.value))
  }
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0
}

const holds = (by: Comparison, order: number): boolean => {
  switch (by) {
    case '=':
      return order === 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
  }
}

const outcomeOf = (by: Comparison, order: number | undefined): Outcome => {
  if (order === undefined) return Outcome.ERROR
  return holds(by, order) ? Outcome.TRUE : Outcome.FALSE
}

/** `left = right`; undefined stands for null. Nothing equals nothing, and something is not equal to nothing. */
export const equalsJava = (left: SqlValue | undefined, right: SqlValue | undefined): Outcome => {
  if (left === undefined) return right === undefined ? Outcome.TRUE : Outcome.NULL
  return right === undefined ? Outcome.FALSE : outcomeOf('=', compareJava(left, right))
}

/** A comparison by order. Two texts are compared as doubles. */
export const ordersJava = (by: Comparison, left: SqlValue | undefined, right: SqlValue | undefined): Outcome => {
  if (left === undefined || right === undefined) return Outcome.NULL
  if (left.type !== 'string' || right.type !== 'string') return outcomeOf(by, compareJava(left, right))
  const leftNumber = doubleOf(left.value)
  const rightNumber = doubleOf(right.value)
  if (leftNumber === undefined || rightNumber === undefined) return Outcome.ERROR
  return outcomeOf(by, compareDoubles(leftNumber, rightNumber))
}
