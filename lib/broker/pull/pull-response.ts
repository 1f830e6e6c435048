import { MAX_DECIMAL_BYTES, writeDecimal } from '../../protocol/ascii-digits.ts'
import { copyBytes } from '../../protocol/copy-bytes.ts'
import { FRAME_PREFIX_BYTES } from '../../protocol/frame.ts'
import { FLAG_RESPONSE, PROTOCOL_VERSION } from '../../protocol/remoting-command.ts'
import { ResponseCode, type ResponseCodeName } from '../../protocol/response-codes.ts'
import type { PullResult } from '../../store/pull-result.ts'
import { PullStatus } from '../../store/status.ts'
import type { AnswerTo } from '../answer.ts'

/** Java's GetMessageStatus names, the remark of every pull answer. */
const statusNames: Readonly<Record<PullStatus, string>> = {
  [PullStatus.FOUND]: 'FOUND',
  [PullStatus.NO_MATCHED_MESSAGE]: 'NO_MATCHED_MESSAGE',
  [PullStatus.MESSAGE_WAS_REMOVING]: 'MESSAGE_WAS_REMOVING',
  [PullStatus.OFFSET_FOUND_NULL]: 'OFFSET_FOUND_NULL',
  [PullStatus.OFFSET_OVERFLOW_BADLY]: 'OFFSET_OVERFLOW_BADLY',
  [PullStatus.OFFSET_OVERFLOW_ONE]: 'OFFSET_OVERFLOW_ONE',
  [PullStatus.OFFSET_TOO_SMALL]: 'OFFSET_TOO_SMALL',
  [PullStatus.NO_MATCHED_QUEUE]: 'NO_MATCHED_LOGIC_QUEUE',
  [PullStatus.NO_MESSAGE_IN_QUEUE]: 'NO_MESSAGE_IN_QUEUE',
  [PullStatus.NOT_IN_MEMORY]: 'NOT_IN_MEMORY',
}

/** What stands between the numbers of an answer. */
const beforeCode = Buffer.from('{"code":')
const beforeMaxOffset = Buffer.from(',"extFields":{"maxOffset":"')
const beforeMinOffset = Buffer.from('","minOffset":"')
const beforeNextBegin = Buffer.from('","nextBeginOffset":"')
const beforeBrokerId = Buffer.from('","suggestWhichBrokerId":"')
const beforeOpaque = Buffer.from(`"},"flag":${FLAG_RESPONSE},"language":"OTHER","opaque":`)
const endOf = (remark: string): Buffer =>
  Buffer.from(`,"remark":"${remark}","serializeTypeCurrentRPC":"JSON","version":${PROTOCOL_VERSION}}`)
/** By the status that was found, which its remark names. */
const afterOpaque: readonly Buffer[] = Object.values(PullStatus).map((status) => endOf(statusNames[status]))

const NUMBERS = 5
/** Of a number that is none of ours: an administrator's, who may have given any. */
const ANY_NUMBER_BYTES = 32
const HEADER_BOUND =
  [beforeCode, beforeMaxOffset, beforeMinOffset, beforeNextBegin, beforeBrokerId, beforeOpaque].reduce(
    (sum, { length }) => sum + length,
    NUMBERS * MAX_DECIMAL_BYTES + ANY_NUMBER_BYTES,
  ) + Math.max(...afterOpaque.map(({ length }) => length))

/** Writes a pull's answer straight into the connection's out buffer: `code`, what was found, and `body` behind it. */
export const writePullAnswer = (
  to: AnswerTo,
  code: ResponseCodeName,
  found: PullResult,
  suggestedBrokerId: number,
  body: Uint8Array,
): void => {
  if (to.serializeType !== 0) {
    writeGeneric(to, code, found, suggestedBrokerId, body)
    return
  }
  const { outbox } = to.connection
  const start = outbox.reserve(FRAME_PREFIX_BYTES + HEADER_BOUND + body.length)
  const { buffer } = outbox
  const headerStart = start + FRAME_PREFIX_BYTES
  let at = append(beforeCode, buffer, headerStart)
  at = writeDecimal(ResponseCode[code], buffer, at)
  at = append(beforeMaxOffset, buffer, at)
  at = writeDecimal(found.maxOffset, buffer, at)
  at = append(beforeMinOffset, buffer, at)
  at = writeDecimal(found.minOffset, buffer, at)
  at = append(beforeNextBegin, buffer, at)
  at = writeDecimal(found.nextBeginOffset, buffer, at)
  at = append(beforeBrokerId, buffer, at)
  at = writeAny(suggestedBrokerId, buffer, at)
  at = append(beforeOpaque, buffer, at)
  at = writeDecimal(to.opaque, buffer, at)
  at = append(afterOpaque[found.status]!, buffer, at)
  buffer.writeInt32BE(at - start - 4 + body.length, start)
  // The serialize type above the header's length is 0: JSON.
  buffer.writeInt32BE(at - headerStart, start + 4)
  buffer.set(body, at)
  outbox.commit(start, at + body.length)
}

const append = (bytes: Buffer, into: Buffer, at: number): number => copyBytes(bytes, 0, bytes.length, into, at)

const writeAny = (number: number, into: Buffer, at: number): number =>
  Number.isSafeInteger(number) ? writeDecimal(number, into, at) : at + into.write(`${number}`, at, 'latin1')

const writeGeneric = (
  to: AnswerTo,
  code: ResponseCodeName,
  found: PullResult,
  suggestedBrokerId: number,
  body: Uint8Array,
): void => {
  to.connection.send({
    code: ResponseCode[code],
    opaque: to.opaque,
    flag: FLAG_RESPONSE,
    remark: statusNames[found.status],
    serializeType: to.serializeType,
    extFields: new Map([
      ['suggestWhichBrokerId', String(suggestedBrokerId)],
      ['nextBeginOffset', String(found.nextBeginOffset)],
      ['minOffset', String(found.minOffset)],
      ['maxOffset', String(found.maxOffset)],
    ]),
    ...(body.length > 0 ? { body: Buffer.from(body) } : {}),
  })
}
