import { SqlFilters } from '../../../lib/broker/filters/sql-filters.ts'
import type { PullFilters } from '../../../lib/broker/pull/pull-filter.ts'

const sql = new SqlFilters()

/** Filters as a broker has them that no consumer has told any. */
export const NO_FILTERS: PullFilters = {
  find: () => undefined,
  compile: (expression) => sql.compile(expression),
  byProperties: () => false,
  retries: () => false,
}

/** The same where SQL92 filters may be used. */
export const SQL_FILTERS: PullFilters = { ...NO_FILTERS, byProperties: () => true }
