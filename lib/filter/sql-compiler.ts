import { equalsJava, Outcome, ordersJava } from './java-compare.ts'
import { parseDouble, parseInt32, parseInt64 } from './java-numbers.ts'
import { PropertySlots } from './property-slots.ts'
import type { Comparison, SqlExpression, SqlValue } from './sql-expression.ts'
import { hasText, isOneOf, isText, searchInText, type TextTest } from './text-match.ts'

/** A condition on the properties that the slots have found last. */
export type Condition = () => Outcome

/** A compiled condition and where it reads its properties. */
export interface CompiledSql {
  readonly slots: PropertySlots
  readonly evaluate: Condition
}

/** Compiles a parsed condition to closures. */
export const compileSql = (expression: SqlExpression): CompiledSql => {
  const names = new Map<string, number>()
  collectNames(expression, names)
  const slots = new PropertySlots([...names.keys()])
  return { slots, evaluate: new SqlCompiler(slots, names).condition(expression) }
}

const collectNames = (expression: SqlExpression, names: Map<string, number>): void => {
  const add = (name: string): void => void (names.has(name) || names.set(name, names.size))
  switch (expression.node) {
    case 'property':
    case 'in':
    case 'cast':
      add(expression.name)
      break
    case 'compare':
      collectNames(expression.left, names)
      collectNames(expression.right, names)
      break
    case 'and':
    case 'or':
      for (const operand of expression.operands) collectNames(operand, names)
      break
    case 'constant':
      break
    default:
      collectNames(expression.of, names)
  }
}

/** A value whose type is known before there is a message. */
type Operand =
  | { readonly kind: 'property'; readonly slot: number }
  | { readonly kind: 'value'; readonly value: SqlValue }
  | { readonly kind: 'null' }
  /** The outcome of a condition, as a boolean. */
  | { readonly kind: 'condition'; readonly evaluate: Condition }
  /** The negation of such a boolean: null, unless it fails. */
  | { readonly kind: 'effect'; readonly evaluate: Condition }

const MIRRORED: Readonly<Record<Comparison, Comparison>> = { '=': '=', '>': '<', '>=': '<=', '<': '>', '<=': '>=' }
const NEGATED = [Outcome.TRUE, Outcome.FALSE, Outcome.NULL, Outcome.ERROR] as const
const toOutcome = (holds: boolean): Outcome => (holds ? Outcome.TRUE : Outcome.FALSE)

type NumberValue = Extract<SqlValue, { readonly type: 'int' | 'long' | 'double' }>
type NumberParser = (buffer: Buffer, start: number, end: number) => number | bigint | undefined

const parserOf = ({ type }: NumberValue): NumberParser => {
  if (type === 'int') return parseInt32
  if (type === 'long') return parseInt64
  // NaN is above all doubles, as Infinity is above all that a literal can say; a literal is never 0 either.
  return (buffer, start, end) => {
    const value = parseDouble(buffer, start, end)
    return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value
  }
}

class SqlCompiler {
  readonly #slots: PropertySlots
  readonly #slotOf: ReadonlyMap<string, number>

  constructor(slots: PropertySlots, slotOf: ReadonlyMap<string, number>) {
    this.#slots = slots
    this.#slotOf = slotOf
  }

  condition(expression: SqlExpression): Condition {
    switch (expression.node) {
      case 'compare':
        return this.#compare(expression.by, this.#operand(expression.left), this.#operand(expression.right))
      case 'and':
      case 'or':
        return chain(
          expression.operands.map((operand) => this.condition(operand)),
          expression.node === 'and' ? Outcome.FALSE : Outcome.TRUE,
        )
      case 'not': {
        const inner = this.condition(expression.of)
        return () => NEGATED[inner()]
      }
      case 'in': {
        const { name, values, not } = expression
        return this.#test(this.#slotOf.get(name)!, isOneOf(this.#slots, values), not, Outcome.NULL)
      }
      case 'search':
        return this.#search(expression)
      case 'cast':
        return this.#test(this.#slotOf.get(expression.name)!, () => false, false, Outcome.NULL)
      case 'constant':
        return constantCondition(expression.constant.type === 'boolean' ? expression.constant.value : undefined)
      default:
        throw new TypeError(`${expression.node} is no condition`)
    }
  }

  /** Asks `test` of a property; `absent` is the outcome when there is none. */
  #test(slot: number, test: TextTest, not: boolean, absent: Outcome): Condition {
    const { starts } = this.#slots
    return () => (starts[slot]! < 0 ? absent : toOutcome(test(slot) !== not))
  }

  #search({ of, by, text, not }: Extract<SqlExpression, { readonly node: 'search' }>): Condition {
    if (text === '') return () => Outcome.FALSE
    const operand = this.#operand(of)
    switch (operand.kind) {
      case 'property':
        return this.#test(operand.slot, hasText(this.#slots, by, text), not, Outcome.FALSE)
      case 'value': {
        const { value } = operand
        const outcome = toOutcome(value.type === 'string' && searchInText(by, text)(value.value) !== not)
        return () => outcome
      }
      case 'null':
        return () => Outcome.FALSE
      default: {
        const { evaluate } = operand
        return () => (evaluate() === Outcome.ERROR ? Outcome.ERROR : Outcome.FALSE)
      }
    }
  }

  #operand(expression: SqlExpression): Operand {
    switch (expression.node) {
      case 'property':
        return { kind: 'property', slot: this.#slotOf.get(expression.name)! }
      case 'constant':
        return expression.constant.type === 'null' ? { kind: 'null' } : { kind: 'value', value: expression.constant }
      case 'negate':
        return negated(this.#operand(expression.of))
      default:
        return { kind: 'condition', evaluate: this.condition(expression) }
    }
  }

  #compare(by: Comparison, left: Operand, right: Operand): Condition {
    if (left.kind === 'property') {
      if (right.kind === 'null' && by === '=') return this.#isNull(left.slot)
      if (right.kind === 'value') {
        const fast = this.#compareProperty(by, left.slot, right.value, Outcome.NULL)
        if (fast !== undefined) return fast
      }
    } else if (right.kind === 'property' && left.kind === 'value') {
      // Something is not equal to nothing, but it is not below or above it either.
      const absent = by === '=' ? Outcome.FALSE : Outcome.NULL
      const fast = this.#compareProperty(MIRRORED[by], right.slot, left.value, absent)
      if (fast !== undefined) return fast
    }
    return by === '=' ? this.#equals(left, right) : this.#orders(by, left, right)
  }

  #isNull(slot: number): Condition {
    const { starts } = this.#slots
    return () => (starts[slot]! < 0 ? Outcome.TRUE : Outcome.FALSE)
  }

  /** Undefined when there is no short way. */
  #compareProperty(by: Comparison, slot: number, value: SqlValue, absent: Outcome): Condition | undefined {
    if (value.type === 'boolean') return undefined
    if (value.type !== 'string') return this.#compareNumber(by, slot, value, absent)
    return by === '=' ? this.#test(slot, isText(this.#slots, value.value), false, absent) : undefined
  }

  #compareNumber(by: Comparison, slot: number, value: NumberValue, absent: Outcome): Condition {
    const slots = this.#slots
    const { starts, ends } = slots
    const parse = parserOf(value)
    const wanted = value.value
    const number = (): number | bigint | undefined => parse(slots.buffer, starts[slot]!, ends[slot]!)
    const compared = (holds: (found: number | bigint) => boolean): Condition => {
      return () => {
        if (starts[slot]! < 0) return absent
        const found = number()
        return found === undefined ? Outcome.ERROR : toOutcome(holds(found))
      }
    }
    switch (by) {
      case '=':
        return compared((found) => found === wanted)
      case '>':
        return compared((found) => found > wanted)
      case '>=':
        return compared((found) => found >= wanted)
      case '<':
        return compared((found) => found < wanted)
      case '<=':
        return compared((found) => found <= wanted)
    }
  }

  #equals(left: Operand, right: Operand): Condition {
    const leftValue = this.#valueOf(left)
    const rightValue = this.#valueOf(right)
    return () => {
      const first = leftValue()
      if (first === FAILED) return Outcome.ERROR
      const second = rightValue()
      return second === FAILED ? Outcome.ERROR : equalsJava(first, second)
    }
  }

  #orders(by: Comparison, left: Operand, right: Operand): Condition {
    const leftValue = this.#valueOf(left)
    const rightValue = this.#valueOf(right)
    return () => {
      const first = leftValue()
      if (first === FAILED) return Outcome.ERROR
      if (first === undefined) return Outcome.NULL
      const second = rightValue()
      return second === FAILED ? Outcome.ERROR : ordersJava(by, first, second)
    }
  }

  #valueOf(operand: Operand): () => SqlValue | undefined | typeof FAILED {
    switch (operand.kind) {
      case 'value':
        return () => operand.value
      case 'null':
        return () => undefined
      case 'property':
        return () => {
          const value = this.#slots.text(operand.slot)
          return value === undefined ? undefined : { type: 'string', value }
        }
      case 'effect':
        return () => (operand.evaluate() === Outcome.ERROR ? FAILED : undefined)
      case 'condition':
        return () => BOOLEANS[operand.evaluate()]
    }
  }
}

const FAILED = Symbol('failed')
const BOOLEANS = [{ type: 'boolean', value: false }, { type: 'boolean', value: true }, undefined, FAILED] as const

const constantCondition = (value: boolean | undefined): Condition => {
  const outcome = value === undefined ? Outcome.NULL : toOutcome(value)
  return () => outcome
}

/** Ends at the first operand that decides; null when none does and one is null. */
const chain = (operands: readonly Condition[], decisive: Outcome): Condition => {
  const otherwise = NEGATED[decisive]
  return () => {
    let outcome: Outcome = otherwise
    for (let i = 0; i < operands.length; i++) {
      const one = operands[i]!()
      if (one === decisive || one === Outcome.ERROR) return one
      if (one === Outcome.NULL) outcome = one
    }
    return outcome
  }
}

const negated = (operand: Operand): Operand => {
  switch (operand.kind) {
    case 'value': {
      const { value } = operand
      if (value.type === 'int') return { kind: 'value', value: { type: 'int', value: 0 - value.value } }
      if (value.type === 'double') return { kind: 'value', value: { type: 'double', value: -value.value } }
      return value.type === 'long' ? { kind: 'value', value: { type: 'long', value: -value.value } } : { kind: 'null' }
    }
    case 'condition':
      return { kind: 'effect', evaluate: operand.evaluate }
    case 'effect':
      return operand
    default:
      return { kind: 'null' }
  }
}
