import { FilterError, SqlFilter } from '../../filter/index.ts'

/** Compiled conditions that are kept, as many as Java keeps. */
const MAX_KEPT = 100

/** Compiles conditions, and keeps those asked for last: pulls may bring theirs along every time. */
export class SqlFilters {
  readonly #kept = new Map<string, SqlFilter | FilterError>()

  /** @throws {FilterError} */
  compile(expression: string): SqlFilter {
    const kept = this.#kept.get(expression) ?? compiled(expression)
    this.#kept.delete(expression)
    this.#kept.set(expression, kept)
    if (this.#kept.size > MAX_KEPT) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest)
        break
      }
    }
    if (kept instanceof FilterError) throw kept
    return kept
  }
}

const compiled = (expression: string): SqlFilter | FilterError => {
  try {
    return new SqlFilter(expression)
  } catch (error) {
    if (error instanceof FilterError) return error
    throw error
  }
}
