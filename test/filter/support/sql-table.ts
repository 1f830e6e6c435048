import { SqlFilter } from '../../../lib/filter/index.ts'
import { type Properties, stored } from './sql-cases.ts'

/** Results of one expression: a letter a message, T, F, N (null) or E (error), or `-` when it does not compile. */
export const evaluateHere = (expression: string, messages: readonly Buffer[]): string => {
  let filter: SqlFilter
  try {
    filter = new SqlFilter(expression)
  } catch {
    return '-'
  }
  return messages.map((message) => letterOf(filter, message)).join('')
}

const letterOf = (filter: SqlFilter, message: Buffer): string => {
  const result = filter.evaluate(message)
  if (result === 'error') return 'E'
  return result === null ? 'N' : result ? 'T' : 'F'
}

/** Where two tables of results differ, as a reader wants to see it. */
export const differences = (
  expressions: readonly string[],
  messages: readonly Properties[],
  expected: readonly string[],
): string[] => {
  const all = messages.map(stored)
  const found: string[] = []
  for (const [row, expression] of expressions.entries()) {
    const ours = evaluateHere(expression, all)
    const wanted = expected[row]!
    if (ours === wanted) continue
    if (ours === '-' || wanted === '-')
      found.push(`${expression}: ${ours === '-' ? 'refused here' : 'refused by Java'}`)
    else {
      const column = messages.findIndex((_, at) => ours[at] !== wanted[at])
      found.push(`${expression} on ${JSON.stringify(messages[column])}: ${ours[column]}, in Java ${wanted[column]}`)
    }
  }
  return found
}
