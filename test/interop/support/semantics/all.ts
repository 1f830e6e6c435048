import { cloneOffset, consumeDirectly, resetOffline, resetOnline, runningInfo } from './admin.ts'
import { broadcasting } from './broadcast.ts'
import { delayLevels, levelBeyondTheLast } from './delay.ts'
import { changedSubscription, sqlForms, tagForms } from './filters.ts'
import { litePulls } from './lite-pull.ts'
import { orderThroughRebalance, orderThroughRestart, orderThroughRetries } from './order.ts'
import { messageTrace, requestReply } from './requests.ts'
import { deadLetters, growingDelays, orderlyDeadLetters, retryAcrossRestart } from './retry.ts'
import type { SemanticsScenario } from './run.ts'
import { batchesAndBodies, forbidden, hooks } from './sends.ts'
import { deliveryTimes, noTimersInJava, recall } from './timers.ts'
import { checkAfterDeath, checkLimit, transactionOutcomes } from './transactions.ts'

/** Each of them waits for one restart of its broker. */
export const acrossRestart: readonly SemanticsScenario[] = [
  delayLevels,
  retryAcrossRestart,
  orderThroughRestart,
  transactionOutcomes,
]

export const withoutRestart: readonly SemanticsScenario[] = [
  growingDelays,
  deadLetters,
  orderlyDeadLetters,
  levelBeyondTheLast,
  orderThroughRetries,
  orderThroughRebalance,
  broadcasting,
  tagForms,
  changedSubscription,
  sqlForms,
  resetOnline,
  resetOffline,
  runningInfo,
  consumeDirectly,
  cloneOffset,
  checkAfterDeath,
  checkLimit,
  requestReply,
  messageTrace,
  batchesAndBodies,
  hooks,
  forbidden,
  ...litePulls,
  deliveryTimes,
  recall,
  noTimersInJava,
]
