import type { Clock } from '../base/clock.ts'
import type { Parts } from '../base/lifecycle.ts'
import type { Logger } from '../base/logging.ts'
import type { Handler } from '../net/handler.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { DurabilityGate } from './durability.ts'
import type { SubscriptionGroupTable } from './groups/group-table.ts'
import type { Detour } from './messages/detour.ts'
import { MessageWriter } from './messages/message-writer.ts'
import { refusedDelays, refusedTransactions } from './messages/refused-detours.ts'
import { StoredMessages } from './messages/stored-messages.ts'
import type { ProducerTable } from './producers/producer-table.ts'
import type { BrokerStats } from './stats.ts'
import type { TopicTable } from './topics/topic-table.ts'

/** What the parts that store messages of their own are made of. */
export interface OwnMessageParts {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly store: MessageStore
  readonly gate: DurabilityGate
  readonly topics: TopicTable
  readonly groups: SubscriptionGroupTable
  readonly producers: ProducerTable
  readonly stats: BrokerStats
}

/** The parts that store messages of their own, and what others take from them. */
export interface OwnMessages {
  /** In the order in which they are asked. */
  readonly detours: readonly Detour[]
  readonly handlers: readonly Handler[]
  readonly writer: MessageWriter
  readonly messages: StoredMessages
}

/** Starts them; `lifecycle` stops them before the store closes. */
export const startOwnMessages = async (own: OwnMessageParts, _lifecycle: Parts): Promise<OwnMessages> => {
  const { store, gate } = own
  const detours = [refusedTransactions, refusedDelays]
  return {
    detours,
    handlers: [],
    writer: new MessageWriter(store, gate, detours),
    messages: new StoredMessages(store),
  }
}
