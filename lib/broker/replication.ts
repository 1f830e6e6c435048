import type { Clock } from '../base/clock.ts'
import type { Parts } from '../base/lifecycle.ts'
import type { Logger } from '../base/logging.ts'
import { HaMaster } from '../ha/ha-master.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { type Durability, DurabilityGate } from './durability.ts'
import { ReplicatedDurability } from './replicated-durability.ts'

/** A master's part in replication. */
export interface Replication {
  /** What it promises those who send. */
  readonly gate: Durability
  /** The same for what the broker writes by itself, sent-back messages included: as in Java, no slave is waited for. */
  readonly ownGate: Durability
  readonly master: HaMaster
}

/**
 * Makes what slaves get the log from, once it listens, and under SYNC_MASTER what acknowledgements wait for besides the
 * flush mode's promise.
 */
export const startReplication = async (base: {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly parts: Parts
  readonly store: MessageStore
}): Promise<Replication> => {
  const { config, clock, logger, parts, store } = base
  const { ha, send, identity } = config.current
  const master = await parts.start('replication', () => new HaMaster({ log: store, settings: ha, clock, logger }))
  const flushed = new DurabilityGate(store, clock, send.syncFlushTimeoutMs)
  parts.onStop('flush gate', () => flushed.stop())
  const slaveTimeoutMs = identity.role === 'SYNC_MASTER' ? send.slaveTimeoutMs : undefined
  const gate = new ReplicatedDurability(flushed, master, clock, slaveTimeoutMs)
  parts.onStop('replication gate', () => gate.stop())
  return { gate, ownGate: new ReplicatedDurability(flushed, master, clock, undefined), master }
}
