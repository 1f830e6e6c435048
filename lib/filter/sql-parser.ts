import { FilterError } from './filter-error.ts'
import { compareJava } from './java-compare.ts'
import { narrowed } from './java-numbers.ts'
import {
  type Comparison,
  describe,
  isCondition,
  type Search,
  type SqlConstant,
  type SqlExpression,
} from './sql-expression.ts'
import { SqlLexer, type Token, type TokenKind } from './sql-lexer.ts'

/** Longest expression, in UTF-16 units. Java has no limit of its own. */
export const MAX_EXPRESSION_LENGTH = 65_536
/** Most operands of an expression, so that no expression can hold a broker up. The values of IN count as one. */
export const MAX_OPERANDS = 1000
/** Deepest nesting of parentheses, signs, NOTs and chained comparisons. Java ends at the depth of its stack. */
export const MAX_NESTING = 200

const ORDERS: ReadonlySet<TokenKind> = new Set(['>', '>=', '<', '<='])
const SEARCHES: ReadonlySet<TokenKind> = new Set(['CONTAINS', 'STARTSWITH', 'ENDSWITH'])
const INT_MAX = 2_147_483_647n
const LONG_MAX = 9_223_372_036_854_775_807n
const NULL: SqlExpression = { node: 'constant', constant: { type: 'null' } }

const typeFault = (why: string): FilterError => new FilterError('FILTER_TYPE', why)

/**
 * Parses an SQL92 condition as RocketMQ's parser does, the string searches of 5.x included. What follows a complete
 * condition and cannot continue it is ignored, as there.
 * @throws {FilterError}
 */
export const parseSql = (text: string): SqlExpression => {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    throw new FilterError('FILTER_LIMIT', `an expression has at most ${MAX_EXPRESSION_LENGTH} characters`)
  }
  return new SqlParser(text).condition()
}

class SqlParser {
  readonly #lexer: SqlLexer
  readonly #ahead: Token[] = []
  #depth = 0
  #operands = 0

  constructor(text: string) {
    this.#lexer = new SqlLexer(text)
  }

  condition(): SqlExpression {
    return asCondition(this.#or())
  }

  #or(): SqlExpression {
    return this.#chain('OR', 'or', () => this.#chain('AND', 'and', () => this.#equality()))
  }

  #chain(word: 'OR' | 'AND', node: 'or' | 'and', operand: () => SqlExpression): SqlExpression {
    const first = operand()
    if (this.#peek().kind !== word) return first
    const operands = [asCondition(first)]
    while (this.#takeIf(word)) operands.push(asCondition(operand()))
    return { node, operands }
  }

  #equality(): SqlExpression {
    const depth = this.#depth
    let left = this.#comparison()
    for (;;) {
      if (this.#takeIf('=')) left = equal(left, this.#comparison())
      else if (this.#takeIf('<>')) left = { node: 'not', of: equal(left, this.#comparison()) }
      else if (this.#takeIf('IS')) left = this.#isNull(left)
      else break
      this.#deeper()
    }
    this.#depth = depth
    return left
  }

  #isNull(left: SqlExpression): SqlExpression {
    const not = this.#takeIf('NOT')
    this.#take('NULL')
    const isNull: SqlExpression = { node: 'compare', by: '=', left, right: NULL }
    return not ? { node: 'not', of: isNull } : isNull
  }

  #comparison(): SqlExpression {
    const depth = this.#depth
    let left = this.#unary()
    for (;;) {
      const { kind } = this.#peek()
      if (ORDERS.has(kind)) {
        this.#take(kind)
        left = ordered(kind as Comparison, left, this.#unary())
      } else if (SEARCHES.has(kind) || kind === 'BETWEEN' || kind === 'IN') {
        left = this.#predicate(left, false)
      } else if (this.#takeIf('NOT')) {
        left = this.#predicate(left, true)
      } else break
      this.#deeper()
    }
    this.#depth = depth
    return left
  }

  #predicate(left: SqlExpression, not: boolean): SqlExpression {
    const { kind } = this.#peek()
    if (SEARCHES.has(kind)) {
      this.#take(kind)
      return { node: 'search', by: kind as Search, of: left, text: this.#take('string').text, not }
    }
    if (this.#takeIf('BETWEEN')) return this.#between(left, not)
    this.#take('IN')
    return this.#in(left, not)
  }

  #between(value: SqlExpression, not: boolean): SqlExpression {
    const low = this.#unary()
    this.#take('AND')
    const high = this.#unary()
    if (not) return { node: 'or', operands: [ordered('<', value, low), ordered('>', value, high)] }
    const operands = [ordered('>=', value, low), ordered('<=', value, high)]
    checkBounds(low, high)
    return { node: 'and', operands }
  }

  #in(left: SqlExpression, not: boolean): SqlExpression {
    this.#take('(')
    const values = [this.#take('string').text]
    while (this.#takeIf(',')) values.push(this.#take('string').text)
    this.#take(')')
    if (left.node !== 'property') throw typeFault(`IN needs a property on its left, not ${describe(left)}`)
    return { node: 'in', name: left.name, values, not }
  }

  #unary(): SqlExpression {
    const depth = this.#depth
    this.#deeper()
    const expression = this.#signed()
    this.#depth = depth
    return expression
  }

  #signed(): SqlExpression {
    if (this.#takeIf('+')) return this.#unary()
    if (this.#takeIf('-')) return { node: 'negate', of: this.#unary() }
    if (this.#takeIf('NOT')) return { node: 'not', of: asCondition(this.#unary()) }
    if (!this.#takeIf('(')) return this.#operand()
    const inner = this.#or()
    this.#take(')')
    return inner
  }

  #operand(): SqlExpression {
    const token = this.#shift()
    this.#operands += 1
    if (this.#operands > MAX_OPERANDS) {
      throw new FilterError('FILTER_LIMIT', `an expression has at most ${MAX_OPERANDS} operands`)
    }
    switch (token.kind) {
      case 'name':
        return { node: 'property', name: token.text }
      case 'string':
        return { node: 'constant', constant: { type: 'string', value: token.text } }
      case 'integer':
        return { node: 'constant', constant: integerConstant(token) }
      case 'float':
        return { node: 'constant', constant: floatConstant(token) }
      case 'TRUE':
      case 'FALSE':
        return { node: 'constant', constant: { type: 'boolean', value: token.kind === 'TRUE' } }
      case 'NULL':
        return NULL
      default:
        throw unexpected(token, 'a value')
    }
  }

  #deeper(): void {
    this.#depth += 1
    if (this.#depth > MAX_NESTING) {
      throw new FilterError('FILTER_LIMIT', `an expression is at most ${MAX_NESTING} levels deep`)
    }
  }

  #peek(): Token {
    this.#ahead[0] ??= this.#lexer.next()
    return this.#ahead[0]
  }

  #shift(): Token {
    const token = this.#peek()
    this.#ahead.length = 0
    return token
  }

  #takeIf(kind: TokenKind): boolean {
    if (this.#peek().kind !== kind) return false
    this.#shift()
    return true
  }

  #take(kind: TokenKind): Token {
    const token = this.#shift()
    if (token.kind !== kind) throw unexpected(token, kind === 'string' ? 'a string in quotes' : kind)
    return token
  }
}

const unexpected = ({ kind, text, at }: Token, wanted: string): FilterError => {
  const found = kind === 'end' ? 'the end of the expression' : JSON.stringify(text)
  return new FilterError('FILTER_SYNTAX', `expected ${wanted}, found ${found} at character ${at + 1}`)
}

const asCondition = (expression: SqlExpression): SqlExpression => {
  if (isCondition(expression)) return expression
  if (expression.node === 'property') return { node: 'cast', name: expression.name }
  throw typeFault(`${describe(expression)} is neither true nor false`)
}

const integerConstant = ({ text, at }: Token): SqlConstant => {
  const value = BigInt(text.replace(/[lL]$/, ''))
  if (value > LONG_MAX) throw typeFault(`the number at character ${at + 1} is greater than ${LONG_MAX}`)
  return value <= INT_MAX ? { type: 'int', value: Number(value) } : { type: 'long', value: narrowed(value) }
}

const floatConstant = ({ text, at }: Token): SqlConstant => {
  const value = Number(text)
  if (value === Number.POSITIVE_INFINITY) throw typeFault(`the number at character ${at + 1} is too great for a double`)
  // As in Java: 0.0 is refused, 0 is not.
  if (value < Number.MIN_VALUE) throw typeFault(`the number at character ${at + 1} is less than ${Number.MIN_VALUE}`)
  return { type: 'double', value }
}

const checkNotNull = (expression: SqlExpression): void => {
  if (expression.node === 'constant' && expression.constant.type === 'null') {
    throw typeFault('nothing is equal to NULL: use IS NULL')
  }
}

const equal = (left: SqlExpression, right: SqlExpression): SqlExpression => {
  checkNotNull(left)
  checkNotNull(right)
  if (left.node === 'constant' && right.node === 'constant') {
    if (left.constant.type === 'boolean' && right.constant.type !== 'boolean') {
      throw typeFault(`${describe(left)} cannot be compared with ${describe(right)}`)
    }
  }
  return { node: 'compare', by: '=', left, right }
}

const isNumber = ({ type }: SqlConstant): boolean => type === 'int' || type === 'long' || type === 'double'

const checkOrdered = (expression: SqlExpression): void => {
  const allowed = expression.node === 'constant' ? isNumber(expression.constant) : !isCondition(expression)
  if (!allowed) throw typeFault(`${describe(expression)} cannot be compared by order: only numbers and properties can`)
}

const ordered = (by: Comparison, left: SqlExpression, right: SqlExpression): SqlExpression => {
  checkOrdered(left)
  checkOrdered(right)
  return { node: 'compare', by, left, right }
}

/** Constants only: a bound with a sign is none to Java. */
const checkBounds = (low: SqlExpression, high: SqlExpression): void => {
  if (low.node !== 'constant' || high.node !== 'constant') return
  const { constant: from } = low
  const { constant: to } = high
  if (from.type === 'null' || to.type === 'null' || compareJava(from, to)! <= 0) return
  throw typeFault(`BETWEEN ${describe(low)} AND ${describe(high)} holds for nothing`)
}
