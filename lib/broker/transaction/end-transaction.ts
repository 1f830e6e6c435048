import { type Handler, handler, ResponseError } from '../../net/handler.ts'
import type { RequestOf } from '../../protocol/command.ts'
import { endTransaction } from '../../protocol/commands/end-transaction.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { SystemTopic } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { isOneway } from '../../protocol/remoting-command.ts'
import { type ResponseCodeName, responseCodeName } from '../../protocol/response-codes.ts'
import { MessageSysFlag } from '../../protocol/sys-flags.ts'
import { AppendStatus } from '../../store/status.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { DurabilityOutcome } from '../durability.ts'
import type { Written } from '../messages/message-writer.ts'
import type { NewMessage } from '../messages/new-message.ts'
import type { AppendRefusal } from '../send/append-refusal.ts'
import { Ending } from './ended-halves.ts'
import { committedOf } from './half-message.ts'
import type { HalfReader } from './half-reader.ts'

/** What ends transactions. */
export interface TransactionEndParts {
  readonly config: Pick<BrokerConfig, 'current'>
  readonly halves: Pick<HalfReader, 'at'>
  readonly ledger: {
    load(): Promise<void>
    endingOf(half: StoredMessage): Ending
    end(half: StoredMessage, ending: Ending): Written
  }
  /** Stores what is delivered, with all detours. */
  readonly writer: { write(message: NewMessage): Written; durable(endOffset: number): Promise<DurabilityOutcome> }
  readonly refusal: AppendRefusal
}

type Header = RequestOf<typeof endTransaction>

const refuse = (remark: string): ResponseError => new ResponseError('SYSTEM_ERROR', remark)

/** @throws {ResponseError} in Java's words when the request does not mean this half */
const checkHalf = (half: StoredMessage | undefined, header: Header): StoredMessage => {
  if (half?.topic !== SystemTopic.TRANS_HALF) throw refuse('Find prepared transaction message failed')
  if (half.properties.get(PropertyName.PRODUCER_GROUP) !== header.producerGroup) {
    throw refuse('The producer group wrong')
  }
  if (half.queueOffset !== header.tranStateTableOffset) throw refuse('The transaction state table offset wrong')
  if (half.physicalOffset !== header.commitLogOffset) throw refuse('The commit log offset wrong')
  return half
}

const checkWritten = (status: AppendStatus, refusal: AppendRefusal): void => {
  if (status === AppendStatus.OK) return
  const { code, remark } = refusal(status)
  throw new ResponseError(responseCodeName(code) as ResponseCodeName, remark)
}

/**
 * 37: delivers the message of a half, or not, and notes the end. A half ends once: the same end again is answered and
 * changes nothing, the other is refused. A state that is not known yet is not answered.
 */
export const endTransactionHandler = ({ config, halves, ledger, writer, refusal }: TransactionEndParts): Handler => {
  const deliver = (half: StoredMessage): number => {
    const message = committedOf(half)
    if (message === undefined) throw refuse('the half does not say which topic and queue it is for')
    const { status, endOffset } = writer.write(message)
    checkWritten(status, refusal)
    return endOffset
  }
  /** Without a turn of the event loop between the look and the end. Where what was written ends; -1 when nothing was. */
  const settle = (half: StoredMessage, ending: Ending): number => {
    const before = ledger.endingOf(half)
    if (before === ending) return -1
    if (before !== Ending.OPEN) throw refuse('the transaction has already ended')
    const delivered = ending === Ending.COMMITTED ? deliver(half) : -1
    const { status, endOffset } = ledger.end(half, ending)
    if (ending === Ending.ROLLED_BACK) checkWritten(status, refusal)
    return Math.max(delivered, endOffset)
  }
  const endOf = ({ commitOrRollback }: Header): Ending => {
    if (commitOrRollback === 0) return Ending.OPEN
    if (commitOrRollback === MessageSysFlag.TRANSACTION_COMMIT) return Ending.COMMITTED
    if (commitOrRollback === MessageSysFlag.TRANSACTION_ROLLBACK) return Ending.ROLLED_BACK
    throw refuse('commitOrRollback field wrong')
  }
  return handler(endTransaction, async (header, { request }) => {
    const ending = endOf(header)
    if (config.current.identity.role === 'SLAVE') {
      throw new ResponseError('SLAVE_NOT_AVAILABLE', 'transactions are ended at the master')
    }
    if (ending === Ending.OPEN) return undefined
    await ledger.load()
    const half = checkHalf(await halves.at(header.commitLogOffset), header)
    const endOffset = settle(half, ending)
    const waits = endOffset >= 0 && !isOneway(request) && half.properties.get(PropertyName.WAIT) !== 'false'
    if (waits && (await writer.durable(endOffset)).kind === 'failed') {
      checkWritten(AppendStatus.READ_ONLY, refusal)
    }
    return {}
  })
}
