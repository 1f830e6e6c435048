import { cloneOffset, consumeDirectly, resetOffline, resetOnline, runningInfo } from './admin.ts'
import { broadcasting } from './broadcast.ts'
import { delayLevels, levelBeyondTheLast } from './delay.ts'
import { changedSubscription, sqlForms, tagForms } from './filters.ts'
import { litePulls } from './lite-pull.ts'
import { orderThroughRebalance, orderThroughRestart, orderThroughRetries } from './order.ts'
import { messageTrace, requestReply } from './requests.ts'
import { deadLetters, growingDelays, orderlyDeadLetters, retryAcrossRestart } from './retry.ts'
import type { SemanticsScenario } from './run.ts'
import { batchesAndBodies, forbidden, hooks, namespaces } from './sends.ts'
import { deliveryTimes, noTimersInJava, recall } from './timers.ts'
import { checkAfterDeath, checkLimit, transactionOutcomes } from './transactions.ts'

/** Each of them waits for one restart of its broker. */
export const acrossRestart: readonly SemanticsScenario[] = [
  delayLevels,
  retryAcrossRestart,
  orderThroughRestart,
  transactionOutcomes,
]

/** Those that take longest first. */
export const withoutRestart: readonly SemanticsScenario[] = [
  resetOnline,
  checkLimit,
  checkAfterDeath,
  growingDelays,
  deadLetters,
  levelBeyondTheLast,
  orderThroughRebalance,
  orderThroughRetries,
  orderlyDeadLetters,
  deliveryTimes,
  recall,
  noTimersInJava,
  ...litePulls,
  tagForms,
  changedSubscription,
  sqlForms,
  broadcasting,
  resetOffline,
  runningInfo,
  consumeDirectly,
  cloneOffset,
  requestReply,
  messageTrace,
  batchesAndBodies,
  hooks,
  namespaces,
  forbidden,
]
