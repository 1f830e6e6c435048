import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { PullFilters } from '../pull/pull-filter.ts'
import { ConsumerFilters } from './consumer-filters.ts'
import { FilterServers } from './filter-servers.ts'
import { SqlFilters } from './sql-filters.ts'

/** The broker's message filters as the composition root holds them. */
export interface Filters {
  /** What heartbeats change. */
  readonly consumers: ConsumerFilters
  /** Those that look at messages for consumers that filter by class. */
  readonly servers: FilterServers
  /** What pulls ask for. */
  readonly ofPulls: PullFilters
}

/** Loads the consumers' filters. @throws {FileError} `FILE_UNREADABLE` */
export const loadFilters = async (options: {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
}): Promise<Filters> => {
  const { config } = options
  const sql = new SqlFilters()
  const consumers = await ConsumerFilters.load({ ...options, sql })
  return {
    consumers,
    servers: new FilterServers(options),
    ofPulls: {
      find: (topic, group) => consumers.find(topic, group),
      compile: (expression) => sql.compile(expression),
      byProperties: () => config.current.filter.byProperties,
      retries: () => config.current.filter.retries,
    },
  }
}
