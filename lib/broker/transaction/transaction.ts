import type { Clock } from '../../base/clock.ts'
import { errorText } from '../../base/errors.ts'
import type { Parts } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import type { Handler } from '../../net/handler.ts'
import { hostAddress } from '../../protocol/host-address.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Durability } from '../durability.ts'
import { MessageWriter } from '../messages/message-writer.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import type { OffsetWriter } from '../offsets/consumer-offsets.ts'
import { refusalOf } from '../send/append-refusal.ts'
import type { TopicCreator } from '../topics/topic-table.ts'
import { type AvailableProducers, CheckPush } from './check-push.ts'
import { endTransactionHandler } from './end-transaction.ts'
import { HalfLedger } from './half-ledger.ts'
import { HalfReader } from './half-reader.ts'
import { resumeCheckHandler } from './resume-check.ts'
import { TransactionCheck } from './transaction-check.ts'

/** What transactions are made of. */
export interface TransactionParts {
  readonly config: Pick<BrokerConfig, 'current'>
  readonly clock: Clock
  readonly logger: Logger
  readonly store: MessageStore
  readonly gate: Durability
  readonly topics: TopicCreator
  readonly offsets: OffsetWriter
  readonly producers: AvailableProducers
  readonly messages: StoredMessages
  /** Stores messages that are committed, with all detours. */
  readonly writer: MessageWriter
  /** brokerIP1 as an IP literal, and the listen port. */
  readonly storeHost: { readonly address: string; readonly port: number }
}

/** What answers for transactions; halves come by the detour of `half-detour.ts`. */
export interface Transactions {
  readonly handlers: readonly Handler[]
  readonly check: TransactionCheck
  readonly ledger: HalfLedger
}

/** Makes the parts without starting them. */
export const createTransactions = (parts: TransactionParts): Transactions => {
  const { config, clock, logger, store, messages, producers } = parts
  // Halves and op messages stand where they are put: a half with a delay is delayed when it is committed.
  const writer = new MessageWriter(store, parts.gate, [])
  const host = hostAddress(parts.storeHost.address, parts.storeHost.port)
  const halves = new HalfReader(store, messages)
  const ledger = new HalfLedger({ ...parts, writer, host })
  const push = new CheckPush(producers, new ThrottledLog(clock, logger))
  const settings = () => {
    const { transactions, retention } = config.current
    return { ...transactions, reservedMs: retention.reservedMs }
  }
  const refusal = refusalOf(store, config.current.send.maxBodyBytes)
  return {
    handlers: [
      endTransactionHandler({ config, halves, ledger, writer: parts.writer, refusal }),
      resumeCheckHandler(halves, writer, ledger),
    ],
    check: new TransactionCheck({ ...parts, writer, ledger, push, settings }),
    ledger,
  }
}

/** Makes and starts them; `lifecycle` stops them. On a slave nothing is checked. */
export const startTransactions = async (parts: TransactionParts, lifecycle: Parts): Promise<Transactions> => {
  const transactions = createTransactions(parts)
  const { ledger, check } = transactions
  if (parts.config.current.identity.role === 'SLAVE') return transactions
  await lifecycle.start('half ledger', () => ledger)
  ledger
    .load()
    .catch((error: unknown) => parts.logger.warn({ reason: errorText(error) }, 'the op queue could not be read'))
  await lifecycle.start('transaction check', () => check)
  check.start()
  return transactions
}
