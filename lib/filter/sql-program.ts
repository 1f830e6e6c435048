import type { Comparison, SqlConstant, SqlExpression, SqlValue } from './sql-expression.ts'
import { parseSql } from './sql-parser.ts'
import { needsText } from './text-match.ts'

const VERSION = 1
// The engine's limits, see native/filter/program.h.
const MAX_BYTES = 65_536
const MAX_PROPERTIES = 128
const MAX_LITERALS = 4096
const MAX_INSTRUCTIONS = 4096
const MAX_STACK = 64

const Operation = {
  PROPERTY: 1,
  LITERAL: 2,
  NULL: 3,
  BOOLEAN: 4,
  EQUAL: 5,
  ORDER: 6,
  NOT: 7,
  AND: 8,
  OR: 9,
  NEGATED: 10,
  IN: 11,
  IS_TRUE: 12,
  CONTAINS: 13,
  STARTSWITH: 14,
  ENDSWITH: 15,
} as const

const LiteralType = { INT: 1, LONG: 2, DOUBLE: 3, TEXT: 4 } as const
const ORDERS: Readonly<Record<Exclude<Comparison, '='>, number>> = { '>': 0, '>=': 1, '<': 2, '<=': 3 }

/**
 * An expression as a program that the engine evaluates when messages are stored (format: native/filter/program.h).
 * Undefined when it is beyond the engine's limits, or has a text that UTF-8 does not hold.
 * @throws {FilterError} as {@link parseSql}
 */
export const sqlProgram = (expression: string): Buffer | undefined => {
  const writer = new ProgramWriter()
  writer.condition(parseSql(expression))
  return writer.finish()
}

class ProgramWriter {
  readonly #properties = new Map<string, number>()
  readonly #literals: Buffer[] = []
  readonly #instructions: Buffer[] = []
  #depth = 0
  #fits = true

  condition(expression: SqlExpression): void {
    switch (expression.node) {
      case 'compare':
        this.#operand(expression.left)
        this.#operand(expression.right)
        if (expression.by === '=') this.#put(-1, Operation.EQUAL)
        else this.#put(-1, Operation.ORDER, ORDERS[expression.by])
        break
      case 'and':
      case 'or':
        for (const [index, operand] of expression.operands.entries()) {
          this.condition(operand)
          if (index > 0) this.#put(-1, expression.node === 'and' ? Operation.AND : Operation.OR)
        }
        break
      case 'not':
        this.condition(expression.of)
        this.#put(0, Operation.NOT)
        break
      case 'in':
        this.#property(expression.name)
        this.#put(0, Operation.IN, Number(expression.not), this.#texts(expression.values), expression.values.length)
        break
      case 'search':
        this.#search(expression)
        break
      case 'cast':
        this.#property(expression.name)
        this.#put(0, Operation.IS_TRUE)
        break
      case 'constant':
        this.#constant(expression.constant)
        break
      default:
        throw new TypeError(`${expression.node} is no condition`)
    }
  }

  finish(): Buffer | undefined {
    const names = [...this.#properties.keys()].map((name) => Buffer.from(name))
    const program = Buffer.concat([
      Buffer.of(VERSION),
      uint16(names.length),
      ...names.flatMap((name) => [uint16(name.length), name]),
      uint16(this.#literals.length),
      ...this.#literals,
      uint16(this.#instructions.length),
      ...this.#instructions,
    ])
    return this.#fits && program.length <= MAX_BYTES ? program : undefined
  }

  #search({ of, by, text, not }: Extract<SqlExpression, { readonly node: 'search' }>): void {
    if (text === '') {
      this.#put(1, Operation.BOOLEAN)
      return
    }
    this.#operand(of)
    this.#put(0, Operation[by], Number(not), this.#texts([text]))
  }

  #operand(expression: SqlExpression): void {
    switch (expression.node) {
      case 'property':
        this.#property(expression.name)
        break
      case 'negate':
        this.#negated(expression.of)
        break
      default:
        this.condition(expression)
    }
  }

  /** A number changes its sign, and everything else becomes null; but a condition is evaluated first. */
  #negated(expression: SqlExpression): void {
    const value = numberOf(expression)
    if (value !== undefined) this.#constant(minus(value))
    else if (expression.node === 'negate') this.#negated(expression.of)
    else if (expression.node === 'property' || expression.node === 'constant') this.#put(1, Operation.NULL)
    else {
      this.condition(expression)
      this.#put(0, Operation.NEGATED)
    }
  }

  #property(name: string): void {
    const slot = this.#properties.get(name) ?? this.#properties.size
    this.#properties.set(name, slot)
    this.#fits &&= slot < MAX_PROPERTIES
    this.#put(1, Operation.PROPERTY, 0, slot)
  }

  #constant(constant: SqlConstant): void {
    switch (constant.type) {
      case 'null':
        this.#put(1, Operation.NULL)
        break
      case 'boolean':
        this.#put(1, Operation.BOOLEAN, Number(constant.value))
        break
      case 'string':
        this.#put(1, Operation.LITERAL, 0, this.#texts([constant.value]))
        break
      default:
        this.#put(1, Operation.LITERAL, 0, this.#literals.push(numberLiteral(constant)) - 1)
    }
  }

  /** Index of the first. */
  #texts(texts: readonly string[]): number {
    const first = this.#literals.length
    for (const text of texts) {
      const bytes = Buffer.from(text)
      this.#fits &&= !needsText(text)
      this.#literals.push(Buffer.concat([Buffer.of(LiteralType.TEXT), uint32(bytes.length), bytes]))
    }
    return first
  }

  #put(growth: number, operation: number, a = 0, b = 0, c = 0): void {
    this.#depth += growth
    this.#fits &&=
      this.#depth <= MAX_STACK && this.#instructions.length < MAX_INSTRUCTIONS && this.#literals.length <= MAX_LITERALS
    if (this.#fits) this.#instructions.push(Buffer.concat([Buffer.of(operation, a), uint16(b), uint16(c)]))
  }
}

type NumberValue = Extract<SqlValue, { readonly type: 'int' | 'long' | 'double' }>

/** The number that an expression stands for before there is a message. */
const numberOf = (expression: SqlExpression): NumberValue | undefined => {
  if (expression.node === 'negate') {
    const value = numberOf(expression.of)
    return value === undefined ? undefined : minus(value)
  }
  if (expression.node !== 'constant') return undefined
  const { constant } = expression
  const isNumber = constant.type === 'int' || constant.type === 'long' || constant.type === 'double'
  return isNumber ? constant : undefined
}

const minus = (value: NumberValue): NumberValue =>
  value.type === 'long' ? { type: 'long', value: -value.value } : { type: value.type, value: -value.value }

const numberLiteral = (value: NumberValue): Buffer => {
  const bytes = Buffer.alloc(9)
  if (value.type === 'double') {
    bytes[0] = LiteralType.DOUBLE
    bytes.writeDoubleBE(value.value, 1)
  } else {
    bytes[0] = value.type === 'int' ? LiteralType.INT : LiteralType.LONG
    bytes.writeBigInt64BE(BigInt(value.value), 1)
  }
  return bytes
}

const uint16 = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff)

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
