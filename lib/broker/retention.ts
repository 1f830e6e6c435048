import type { Logger } from '../base/logging.ts'
import type { MessageStore, RetentionOptions, RetentionStats } from '../store/index.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { BrokerOptions } from './config/broker-options.ts'

const MAX_INTERVAL_MS = 3_600_000

const interval = (ms: number, leastMs: number): number => Math.max(leastMs, Math.min(ms, MAX_INTERVAL_MS))

/** What the store keeps, by Java's keys; the ratios that are system properties there have their defaults. */
export const retentionOptionsOf = ({ retention }: BrokerOptions): RetentionOptions => ({
  reservedMs: retention.reservedMs,
  deleteHours: retention.deleteHours,
  cleanPercent: retention.cleanPercent,
  cleanForcibly: retention.cleanForcibly,
  cleanIntervalMs: interval(retention.cleanIntervalMs, 1),
  deleteSegmentIntervalMs: interval(retention.deleteSegmentIntervalMs, 0),
  deleteQueueFilesIntervalMs: interval(retention.deleteQueueFilesIntervalMs, 0),
  destroyPinnedAfterMs: interval(retention.destroyPinnedAfterMs, 0),
})

const logNotice = ({ refusal, clockDoubt, ...stats }: RetentionStats, logger: Logger): void => {
  const facts = { logUsedRatio: stats.logUsedRatio, rootUsedRatio: stats.rootUsedRatio, freeBytes: stats.freeBytes }
  if (refusal !== '') logger.error(facts, `store: sends are refused: ${refusal}`)
  if (clockDoubt !== '') logger.warn({}, `store: ${clockDoubt}`)
  if (refusal === '' && clockDoubt === '') logger.info(facts, 'store: sends are taken, and the clock is believed')
}

/** Keeps the store's retention as the configuration says, and the log informed of what it does to sends. */
export const followRetention = (store: MessageStore, config: BrokerConfig, logger: Logger): void => {
  const { refusal, clockDoubt } = store.retention
  if (refusal !== '' || clockDoubt !== '') logNotice(store.retention, logger)
  store.onRetentionNotice((stats) => logNotice(stats, logger))
  config.onChange((current) => store.setRetention(retentionOptionsOf(current)))
}
