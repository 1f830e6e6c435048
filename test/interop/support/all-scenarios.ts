import { longPolling, pullByQueue, pushConsume, rebalance, tagExpression } from './consume-scenarios.ts'
import type { Scenario } from './scenario.ts'
import {
  asyncSend,
  batchSend,
  largeBodies,
  onewaySend,
  queryByKeyAndId,
  selectorSend,
  syncSend,
  vipChannelSend,
} from './send-scenarios.ts'

/** Everything this project promises to Java clients so far. */
export const allScenarios: readonly Scenario[] = [
  syncSend,
  asyncSend,
  onewaySend,
  batchSend,
  selectorSend,
  largeBodies,
  vipChannelSend,
  queryByKeyAndId,
  pushConsume,
  rebalance,
  tagExpression,
  pullByQueue,
  longPolling,
]

/** For pairs of one Java server and one of ours: the ways between them, not every broker feature again. */
export const crossingScenarios: readonly Scenario[] = [syncSend, batchSend, pushConsume]
