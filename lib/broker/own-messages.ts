import type { Clock } from '../base/clock.ts'
import type { Parts } from '../base/lifecycle.ts'
import type { Logger } from '../base/logging.ts'
import type { Handler } from '../net/handler.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { type Delay, startDelay } from './delay/delay.ts'
import type { Durability } from './durability.ts'
import type { SubscriptionGroupTable } from './groups/group-table.ts'
import type { Detour } from './messages/detour.ts'
import { MessageWriter } from './messages/message-writer.ts'
import type { NewMessage } from './messages/new-message.ts'
import { StoredMessages } from './messages/stored-messages.ts'
import type { ConsumerOffsets } from './offsets/consumer-offsets.ts'
import { ownMessageCounts } from './own-message-counts.ts'
import type { StoreHost } from './part-settings.ts'
import type { ProducerTable } from './producers/producer-table.ts'
import { DeadLetters } from './retry/dead-letters.ts'
import type { RetriedSends } from './retry/retried-send.ts'
import { createRetry } from './retry/retry.ts'
import type { BrokerStats } from './stats.ts'
import { timerFeature } from './timer/timer.ts'
import type { TopicTable } from './topics/topic-table.ts'
import type { TrafficStats } from './traffic/traffic-stats.ts'
import { halfDetour } from './transaction/half-detour.ts'
import { startTransactions } from './transaction/transaction.ts'

/** What the parts that store messages of their own are made of. */
export interface OwnMessageParts {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly store: MessageStore
  readonly gate: Durability
  readonly topics: TopicTable
  readonly groups: SubscriptionGroupTable
  readonly offsets: ConsumerOffsets
  readonly producers: ProducerTable
  readonly stats: BrokerStats
  readonly traffic: TrafficStats
  readonly storeHost: StoreHost
  /** In [0, 1). */
  readonly random: () => number
}

/** The parts that store messages of their own, and what others take from them. */
export interface OwnMessages {
  /** In the order in which they are asked. */
  readonly detours: readonly Detour[]
  readonly handlers: readonly Handler[]
  readonly writer: MessageWriter
  readonly messages: StoredMessages
  readonly retriedSends: RetriedSends
  readonly delay: Delay
  readonly deadLetters: DeadLetters
  /** What the answer to a send names as the way to call the message off, when it is stored like this. */
  readonly recallHandleOf: (stored: NewMessage) => string | undefined
}

/** Starts them; `lifecycle` stops them before the store closes. */
export const startOwnMessages = async (own: OwnMessageParts, lifecycle: Parts): Promise<OwnMessages> => {
  const { config, store, gate } = own
  const counts = ownMessageCounts(own)
  const delivered = config.current.delay.stats ? { delivered: counts.delivered } : {}
  const timer = timerFeature(own)
  const delay = await startDelay({ ...own, ...delivered }, lifecycle)
  const detours = [halfDetour(config, own.topics), delay.detour, timer.detour]
  const writer = new MessageWriter(store, gate, detours)
  const messages = new StoredMessages(store)
  const retry = createRetry({ ...own, writer, messages, sentBack: counts.sentBack })
  const transactions = await startTransactions({ ...own, writer, messages }, lifecycle)
  const onDelivered = counts.deliveredInTime
  const timerHandlers = await timer.start({ writer, messages, onDelivered }, lifecycle)
  return {
    ...{ detours, writer, messages, delay },
    handlers: [...retry.handlers, ...transactions.handlers, ...timerHandlers],
    retriedSends: retry.retriedSends,
    recallHandleOf: timer.recallHandleOf,
    deadLetters: new DeadLetters({ ...own, writer, messages }),
  }
}
