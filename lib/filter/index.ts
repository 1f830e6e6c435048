export { FilterError } from './filter-error.ts'
export { SqlFilter, type SqlResult } from './sql-filter.ts'
export { MAX_EXPRESSION_LENGTH, MAX_NESTING, MAX_OPERANDS } from './sql-parser.ts'
