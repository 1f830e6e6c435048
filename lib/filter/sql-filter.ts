import { Outcome } from './java-compare.ts'
import { type CompiledSql, compileSql } from './sql-compiler.ts'
import { parseSql } from './sql-parser.ts'

/** What a condition says of a message: `error` where Java's evaluation throws, for instance at a text that is no number. */
export type SqlResult = boolean | null | 'error'

const RESULTS: readonly SqlResult[] = [false, true, null, 'error']

/** A compiled SQL92 condition on message properties. */
export class SqlFilter {
  readonly expression: string
  readonly #compiled: CompiledSql

  /** @throws {FilterError} */
  constructor(expression: string) {
    this.expression = expression
    this.#compiled = compileSql(parseSql(expression))
  }

  /** Whether a message with this stored property text passes: only when the condition is true. */
  matches(properties: Buffer, start = 0, end = properties.length): boolean {
    this.#compiled.slots.find(properties, start, end)
    return this.#compiled.evaluate() === Outcome.TRUE
  }

  /** The same, with what made it not pass. */
  evaluate(properties: Buffer, start = 0, end = properties.length): SqlResult {
    this.#compiled.slots.find(properties, start, end)
    return RESULTS[this.#compiled.evaluate()]!
  }
}
