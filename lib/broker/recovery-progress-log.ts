import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logging.ts'
import type { RecoveryProgress } from '../store/message-store.ts'

/** An opening that takes less says nothing of itself. */
const LOG_PERIOD_MS = 5000

/** Lines about a long opening of the store, one each five seconds, with an estimate of what is left of its phase. */
export const recoveryProgressLog = (clock: Clock, logger: Logger): ((progress: RecoveryProgress) => void) => {
  let phase: RecoveryProgress['phase'] | undefined
  let phaseSinceMs = 0
  let loggedAtMs = clock.monotonicMs()
  return ({ phase: current, doneBytes, totalBytes }) => {
    const nowMs = clock.monotonicMs()
    if (current !== phase) {
      phase = current
      phaseSinceMs = nowMs
    }
    if (nowMs - loggedAtMs < LOG_PERIOD_MS || doneBytes === 0) return
    loggedAtMs = nowMs
    const leftSeconds = Math.ceil(((nowMs - phaseSinceMs) * (totalBytes - doneBytes)) / doneBytes / 1000)
    const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes * 100) / totalBytes)
    logger.info({ phase, doneBytes, totalBytes, percent, leftSeconds }, 'the store recovers')
  }
}
