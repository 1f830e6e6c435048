import { type Handler, handler, ResponseError } from '../../net/handler.ts'
import { resumeCheckHalfMessage } from '../../protocol/commands/resume-check-half-message.ts'
import { decodeOffsetMessageId, type StoredMessage } from '../../protocol/message-codec.ts'
import { SystemTopic } from '../../protocol/names.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { AppendStatus } from '../../store/status.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import type { HalfLedger } from './half-ledger.ts'
import { destinationOf, resumedOf } from './half-message.ts'
import type { HalfReader } from './half-reader.ts'

const failed = (why: string, cause?: unknown): ResponseError =>
  new ResponseError(
    'SYSTEM_ERROR',
    `Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC. Cause: ${why}`,
    cause === undefined ? {} : { cause },
  )

const offsetOf = (msgId: string | undefined): number => {
  if (msgId === undefined) throw failed('the header has no field msgId')
  try {
    return decodeOffsetMessageId(msgId).physicalOffset
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw failed(error.message, error)
  }
}

const isHalf = (message: StoredMessage): boolean => {
  const { topic } = message
  const isOfTransactions = topic === SystemTopic.TRANS_CHECK_MAX_TIME || topic === SystemTopic.TRANS_HALF
  return isOfTransactions && destinationOf(message) !== undefined
}

/** 323: puts a half that was given up back under check, as one that was never asked about. */
export const resumeCheckHandler = (
  halves: Pick<HalfReader, 'at'>,
  writer: Pick<MessageWriter, 'write'>,
  ledger: Pick<HalfLedger, 'putBack'>,
): Handler =>
  handler(resumeCheckHalfMessage, async ({ msgId }) => {
    const half = await halves.at(offsetOf(msgId))
    if (half === undefined) throw failed(`there is no message ${msgId}`)
    if (!isHalf(half)) throw failed(`message ${msgId} is no half of a transaction`)
    const { status, queueOffset } = writer.write(resumedOf(half))
    if (status !== AppendStatus.OK) {
      throw new ResponseError('SYSTEM_ERROR', 'Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.')
    }
    // What it was taken from may stand in another queue.
    ledger.putBack({ ...half, queueOffset }, queueOffset)
    return {}
  })
