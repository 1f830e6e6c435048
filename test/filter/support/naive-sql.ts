import type { SqlConstant, SqlExpression } from '../../../lib/filter/sql-expression.ts'
import type { Properties } from './sql-cases.ts'

/** A value as Java's evaluation holds it. */
type Value = { readonly type: SqlConstant['type']; readonly value: unknown }
const NULL: Value = { type: 'null', value: null }
const bool = (value: boolean): Value => ({ type: 'boolean', value })

/** Where Java throws. */
export class Thrown extends Error {}

const RANGES = { int: [-(2n ** 31n), 2n ** 31n - 1n], long: [-(2n ** 63n), 2n ** 63n - 1n] } as const

/** Only what the random values of the test need of Java's number syntax. */
const numberOf = (text: string, type: SqlConstant['type']): number => {
  if (type === 'double') {
    if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[dDfF]?\s*$/i.test(text)) throw new Thrown(text)
    return Number(text.trim().replace(/[dDfF]$/, ''))
  }
  if (!/^[+-]?\d+$/.test(text)) throw new Thrown(text)
  const value = BigInt(text.replace('+', ''))
  const [min, max] = RANGES[type as 'int' | 'long']
  if (value < min || value > max) throw new Thrown(text)
  return Number(value)
}

const isNumber = ({ type }: Value): boolean => type === 'int' || type === 'long' || type === 'double'
const order = <T>(left: T, right: T): number => (left < right ? -1 : left > right ? 1 : 0)

const compare = (left: Value, right: Value): number => {
  if (left.type === right.type) return order(left.value as number, right.value as number)
  if (left.type === 'boolean') {
    if (right.type === 'string') throw new Thrown('a boolean is no string')
    return -1
  }
  if (left.type === 'string') {
    const text = left.value as string
    if (right.type === 'boolean') return order(text.toLowerCase() === 'true', right.value as boolean)
    return order(numberOf(text, right.type), Number(right.value))
  }
  if (right.type === 'boolean') return -1
  if (right.type === 'string') return order(Number(left.value), numberOf(right.value as string, left.type))
  return order(Number(left.value), Number(right.value))
}

const ordered = (by: string, left: Value, right: () => Value): Value => {
  if (left === NULL) return NULL
  const other = right()
  if (other === NULL) return NULL
  const asDouble = (value: Value): Value => ({ type: 'double', value: numberOf(value.value as string, 'double') })
  const texts = left.type === 'string' && other.type === 'string'
  const result = texts ? compare(asDouble(left), asDouble(other)) : compare(left, other)
  return bool({ '>': result > 0, '>=': result >= 0, '<': result < 0, '<=': result <= 0 }[by]!)
}

const equal = (left: Value, right: Value): Value => {
  if (left === NULL) return right === NULL ? bool(true) : NULL
  return bool(right !== NULL && compare(left, right) === 0)
}

/** The value of a parsed expression, the plain way: one step a node, decoded values. */
export const evaluateNaively = (expression: SqlExpression, message: Properties): Value => {
  const value = (of: SqlExpression): Value => evaluateNaively(of, message)
  const property = (name: string): Value =>
    message[name] === undefined ? NULL : { type: 'string', value: message[name] }
  switch (expression.node) {
    case 'property':
      return property(expression.name)
    case 'constant':
      return expression.constant.type === 'null' ? NULL : expression.constant
    case 'negate': {
      const of = value(expression.of)
      return isNumber(of) ? { type: of.type, value: 0 - Number(of.value) } : NULL
    }
    case 'compare': {
      const left = value(expression.left)
      if (expression.by === '=') return equal(left, value(expression.right))
      return ordered(expression.by, left, () => value(expression.right))
    }
    case 'in': {
      const of = property(expression.name)
      return of === NULL ? NULL : bool(expression.values.includes(of.value as string) !== expression.not)
    }
    case 'search': {
      if (expression.text === '') return bool(false)
      const of = value(expression.of)
      if (of.type !== 'string') return bool(false)
      const text = of.value as string
      const found = { CONTAINS: 'includes', STARTSWITH: 'startsWith', ENDSWITH: 'endsWith' } as const
      return bool(text[found[expression.by]](expression.text) !== expression.not)
    }
    case 'not': {
      const of = value(expression.of)
      return of === NULL ? NULL : bool(of.value === false)
    }
    case 'cast':
      return property(expression.name) === NULL ? NULL : bool(false)
    default: {
      const decisive = expression.node === 'or'
      let result = bool(!decisive)
      for (const operand of expression.operands) {
        const one = value(operand)
        if (one.value === decisive) return one
        if (one === NULL) result = NULL
      }
      return result
    }
  }
}
