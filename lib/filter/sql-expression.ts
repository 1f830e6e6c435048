/** A constant, with Java's type for it. A long beyond 2^53 is a bigint. */
export type SqlConstant =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'long'; readonly value: number | bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' }

/** A constant that is one. */
export type SqlValue = Exclude<SqlConstant, { readonly type: 'null' }>

/** How two values are compared. `<>` is NOT of `=`. */
export type Comparison = '=' | '>' | '>=' | '<' | '<='
/** How a text is looked for in another. */
export type Search = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH'

/** A parsed expression. */
export type SqlExpression =
  | { readonly node: 'property'; readonly name: string }
  | { readonly node: 'constant'; readonly constant: SqlConstant }
  | { readonly node: 'negate'; readonly of: SqlExpression }
  | { readonly node: 'compare'; readonly by: Comparison; readonly left: SqlExpression; readonly right: SqlExpression }
  | { readonly node: 'in'; readonly name: string; readonly values: readonly string[]; readonly not: boolean }
  | {
      readonly node: 'search'
      readonly by: Search
      readonly of: SqlExpression
      readonly text: string
      readonly not: boolean
    }
  | { readonly node: 'not'; readonly of: SqlExpression }
  /** All operands of a chain, from left to right. */
  | { readonly node: 'and' | 'or'; readonly operands: readonly SqlExpression[] }
  /** A property used as a condition: null when there is none, else false, as no property is a boolean. */
  | { readonly node: 'cast'; readonly name: string }

/** Whether the expression gives true, false or null, and nothing else. */
export const isCondition = (expression: SqlExpression): boolean => {
  switch (expression.node) {
    case 'property':
    case 'negate':
      return false
    case 'constant':
      return expression.constant.type === 'boolean' || expression.constant.type === 'null'
    default:
      return true
  }
}

/** The expression as an error message shows it; long ones are cut. */
export const describe = (expression: SqlExpression): string => {
  switch (expression.node) {
    case 'property':
      return expression.name
    case 'constant':
      return describeConstant(expression.constant)
    case 'negate':
      return `-${describe(expression.of)}`
    case 'compare':
      return `a comparison by ${expression.by}`
    case 'search':
      return `a condition with ${expression.by}`
    default:
      return `a condition with ${expression.node.toUpperCase()}`
  }
}

const MAX_SHOWN = 64

const describeConstant = (constant: SqlConstant): string => {
  switch (constant.type) {
    case 'null':
      return 'NULL'
    case 'boolean':
      return constant.value ? 'TRUE' : 'FALSE'
    case 'string':
      return `'${constant.value.length > MAX_SHOWN ? `${constant.value.slice(0, MAX_SHOWN)}...` : constant.value}'`
    default:
      return String(constant.value)
  }
}
