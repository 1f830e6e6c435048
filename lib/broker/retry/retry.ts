import type { Handler } from '../../net/handler.ts'
import { isWriteable } from '../../protocol/permissions.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { type RetriedSends, retriedSends } from './retried-send.ts'
import { type SendBackParts, sendBackHandler } from './send-back.ts'

/** What retries need of the broker. */
export type RetryParts = Omit<SendBackParts, 'broker'> & { readonly config: BrokerConfig }

/** Retries as the rest of the broker sees them. */
export interface Retry {
  readonly handlers: readonly Handler[]
  readonly retriedSends: RetriedSends
}

/** Retries and dead letters: the code that sends messages back, and the rule for sends to retry topics. */
export const createRetry = ({ config, ...parts }: RetryParts): Retry => {
  const broker = {
    address: config.current.identity.host,
    writable: () => isWriteable(config.current.identity.permission),
  }
  return {
    handlers: [sendBackHandler({ ...parts, broker })],
    retriedSends: retriedSends(parts.groups, parts.topics),
  }
}
