import type { Clock } from '../../base/clock.ts'
import { errorText } from '../../base/errors.ts'
import type { Logger } from '../../base/logging.ts'
import type { Connection } from '../../net/connection.ts'
import { type Answer, type Handler, type RequestContext, ResponseError } from '../../net/handler.ts'
import { type Command, decodeHeader, encodeHeader, type RequestOf } from '../../protocol/command.ts'
import { pushReplyMessageToClient } from '../../protocol/commands/push-reply-message-to-client.ts'
import { sendReplyMessage } from '../../protocol/commands/send-reply-message.ts'
import { sendReplyMessageV2 } from '../../protocol/commands/send-reply-message-v2.ts'
import { type HostAddress, hostAddress } from '../../protocol/host-address.ts'
import { encodeOffsetMessageId } from '../../protocol/message-ids.ts'
import { decodeProperties, encodeProperties, inJavaOrder, PropertyName } from '../../protocol/properties.ts'
import { ResponseCode } from '../../protocol/response-codes.ts'
import { AppendStatus } from '../../store/status.ts'
import type { AnswerTo } from '../answer.ts'
import { CLIENT_CALL_TIMEOUT_MS, checkReads } from '../consumers/client-calls.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import type { AcceptedSend } from '../send/send.ts'

type ReplyHeader = RequestOf<typeof sendReplyMessageV2>

/** What carrying replies needs. */
export interface ReplyParts {
  /** The checks of a send. @throws {ResponseError} */
  readonly accept: (header: ReplyHeader, to: AnswerTo) => AcceptedSend
  /** Where a client that asks for replies can be reached. */
  readonly producers: { connectionOf(clientId: string): Connection | undefined }
  readonly writer: Pick<MessageWriter, 'write' | 'durable'>
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: {
    /** Whether replies are stored besides (`storeReplyMessageEnable`). */
    readonly storeReplies: () => boolean
    readonly regionId: string
    readonly traceOn: boolean
    /** brokerIP1, an IP literal, and the listen port. */
    readonly storeHost: { readonly address: string; readonly port: number }
  }
}

/** One reply on its way. */
interface Reply {
  readonly header: ReplyHeader
  readonly accepted: AcceptedSend
  readonly properties: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly from: Connection
}

/** Request header of the push: the reply as it was sent, where it comes from, and when it was passed on. */
const pushHeader = ({ header, properties, from }: Reply, { clock, settings }: ReplyParts): Map<string, string> => {
  const nowMs = clock.nowMs()
  const pushed = new Map(properties).set(PropertyName.PUSH_REPLY_TIME, String(nowMs))
  const { batch: _batch, maxReconsumeTimes: _maxReconsumeTimes, brokerName: _brokerName, ...message } = header
  return encodeHeader(pushReplyMessageToClient.request, {
    ...message,
    properties: encodeProperties(inJavaOrder(pushed)),
    bornHost: `${from.remote.address}:${from.remote.port}`,
    storeHost: `${settings.storeHost.address}:${settings.storeHost.port}`,
    storeTimestamp: nowMs,
  })
}

/** Gives the reply to the client that asked. Undefined when it took it, else why not. */
const push = async (reply: Reply, parts: ReplyParts): Promise<string | undefined> => {
  const clientId = reply.properties.get(PropertyName.REPLY_TO_CLIENT)
  if (clientId === undefined) return `reply message properties[${PropertyName.REPLY_TO_CLIENT}] is null`
  const connection = parts.producers.connectionOf(clientId)
  if (connection === undefined) return `push reply message fail, channel of <${clientId}> not found.`
  const failed = `push reply message to ${clientId}fail.`
  try {
    checkReads({ connection, clientId })
    const { code } = pushReplyMessageToClient
    const request = { code, extFields: pushHeader(reply, parts), body: reply.body }
    const answer = await connection.request(request, CLIENT_CALL_TIMEOUT_MS)
    if (answer.code === ResponseCode.SUCCESS) return undefined
    parts.logger.warn({ clientId, code: answer.code, remark: answer.remark }, 'a client refused a reply')
  } catch (error) {
    parts.logger.warn({ clientId, reason: errorText(error) }, 'a reply could not be given to its client')
  }
  return failed
}

/** Stores the reply in the topic it was sent to. Undefined when that fails: the answer does not depend on it. */
const store = async (
  { header, accepted, properties, body, from }: Reply,
  { writer, logger }: ReplyParts,
): Promise<{ readonly physicalOffset: number; readonly queueOffset: number } | undefined> => {
  const { topic, queueId } = accepted
  const written = writer.write({
    topic: topic.name,
    queueId,
    flag: header.flag,
    sysFlag: header.sysFlag | topic.sysFlag,
    bornTimestampMs: header.bornTimestamp,
    bornHost: from.remote,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body,
    properties,
  })
  if (written.status !== AppendStatus.OK) {
    logger.warn({ topic: topic.name, status: written.status }, 'a reply was not stored')
    return undefined
  }
  topic.traffic.put(1, written.endOffset - written.physicalOffset)
  await writer.durable(written.endOffset)
  return written
}

const replyHandler = (command: Command, parts: ReplyParts): Handler => {
  const { regionId, traceOn, storeHost } = parts.settings
  const fixedFields = [
    ['MSG_REGION', regionId],
    ['TRACE_ON', String(traceOn)],
  ] as const
  const host: HostAddress = hostAddress(storeHost.address, storeHost.port)
  const carry = async (reply: Reply): Promise<Answer> => {
    const refusal = await push(reply, parts)
    const stored = parts.settings.storeReplies() ? await store(reply, parts) : undefined
    const extFields = new Map<string, string>(fixedFields)
    if (refusal === undefined || stored !== undefined) {
      extFields.set('msgId', stored === undefined ? '0' : encodeOffsetMessageId(host, stored.physicalOffset))
      extFields.set('queueId', String(reply.accepted.queueId))
      extFields.set('queueOffset', String(stored?.queueOffset ?? 0))
    }
    if (refusal === undefined) return { code: ResponseCode.SUCCESS, extFields }
    return { code: ResponseCode.SYSTEM_ERROR, remark: refusal, extFields }
  }
  return {
    command,
    async answer({ connection, request }: RequestContext) {
      const header = decodeHeader(command.request, request.extFields, command.wireNames) as unknown as ReplyHeader
      const to: AnswerTo = { connection, opaque: request.opaque, serializeType: request.serializeType }
      try {
        const accepted = parts.accept(header, to)
        const properties = decodeProperties(header.properties ?? '')
        return await carry({ header, accepted, properties, body: request.body, from: connection })
      } catch (error) {
        if (!(error instanceof ResponseError)) throw error
        return { code: error.responseCode, remark: error.message, extFields: new Map(fixedFields) }
      }
    },
  }
}

/**
 * Replies of request-reply: codes 324 and 325. Each goes to the client that its property REPLY_TO_CLIENT names, which has
 * 10 s to take it, and is stored besides; the answer says whether the client took it.
 */
export const replyHandlers = (parts: ReplyParts): Handler[] => [
  replyHandler(sendReplyMessage, parts),
  replyHandler(sendReplyMessageV2, parts),
]
