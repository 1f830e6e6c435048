import type { ThrottledLog } from '../../base/throttled-log.ts'
import type { Connection, OutgoingRequest } from '../../net/connection.ts'
import { encodeHeader } from '../../protocol/command.ts'
import { checkTransactionState } from '../../protocol/commands/check-transaction-state.ts'
import { encodeOffsetMessageId, encodeRecord, type StoredMessage } from '../../protocol/message-codec.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { destinationOf } from './half-message.ts'

/** Bytes a producer has not read above which it is asked nothing more for now. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024

/** The question about a half as a producer reads it: the record carries its real topic and queue. */
const question = (half: StoredMessage): OutgoingRequest | undefined => {
  const destination = destinationOf(half)
  if (destination === undefined) return undefined
  const { code, request } = checkTransactionState
  const uniqueKey = half.properties.get(PropertyName.UNIQ_KEY)
  const extFields = encodeHeader(request, {
    tranStateTableOffset: half.queueOffset,
    commitLogOffset: half.physicalOffset,
    msgId: uniqueKey,
    transactionId: uniqueKey,
    offsetMsgId: encodeOffsetMessageId(half.storeHost, half.physicalOffset),
  })
  return { code, extFields, body: encodeRecord({ ...half, ...destination }) }
}

/** Who can be asked for a group: a connection, `busy` when all have enough to read, undefined when nobody is there. */
export interface AvailableProducers {
  available(group: string, maxBacklogBytes: number): Connection | 'busy' | undefined
}

/** Asks producers what became of their halves: any of the group that sent one, in turns. */
export class CheckPush {
  readonly #producers: AvailableProducers
  readonly #faults: Pick<ThrottledLog, 'warn'>

  constructor(producers: AvailableProducers, faults: Pick<ThrottledLog, 'warn'>) {
    this.#producers = producers
    this.#faults = faults
  }

  /** Who can be asked about a half now. */
  producerOf(half: StoredMessage): Connection | 'busy' | undefined {
    const group = half.properties.get(PropertyName.PRODUCER_GROUP)
    return group === undefined ? undefined : this.#producers.available(group, MAX_BACKLOG_BYTES)
  }

  /** Asks about a half that stands where it says. Never throws: what is wrong with one half is its own affair. */
  ask(half: StoredMessage, to: Connection): void {
    try {
      const request = question(half)
      if (request !== undefined) to.oneway(request)
      else this.#faults.warn({ queueOffset: half.queueOffset }, 'a half does not say which topic and queue it is for')
    } catch (error) {
      this.#faults.warn({ queueOffset: half.queueOffset, error }, 'a producer could not be asked about a half')
    }
  }
}
