import { type Handler, ResponseError } from '../../net/handler.ts'
import { type Command, decodeHeader, type RequestOf } from '../../protocol/command.ts'
import { sendBatchMessage } from '../../protocol/commands/send-batch-message.ts'
import { sendMessage } from '../../protocol/commands/send-message.ts'
import { sendMessageV2 } from '../../protocol/commands/send-message-v2.ts'
import { isOneway, type RemotingCommand } from '../../protocol/remoting-command.ts'
import type { AnswerTo } from '../answer.ts'
import type { RetriedSends } from '../retry/retried-send.ts'
import type { SendHooks } from './send-hooks.ts'
import type { SendPipeline } from './send-pipeline.ts'
import type { SendResponseWriter } from './send-response.ts'
import type { SendService } from './send-service.ts'
import type { SendTopic, SendTopics } from './send-topics.ts'

/** What a send says of itself. */
export type SendHeader = RequestOf<typeof sendMessageV2>

/** The parts that one send goes through. */
export interface SendPath {
  readonly topics: SendTopics
  readonly service: SendService
  readonly pipeline: SendPipeline
  readonly responses: SendResponseWriter
  readonly retriedSends: RetriedSends
  readonly hooks: SendHooks
}

/** The topic that a send names, made when it may be. @throws {ResponseError} */
export const topicOfSend = (header: SendHeader, { connection }: AnswerTo, topics: SendTopics): SendTopic => {
  const { address, port } = connection.remote
  return topics.resolve(header.topic, {
    defaultTopic: header.defaultTopic,
    defaultTopicQueueNums: header.defaultTopicQueueNums,
    unitMode: header.unitMode,
    remoteAddress: `${address}:${port}`,
  })
}

const accept = (header: SendHeader, to: AnswerTo, request: RemotingCommand, isBatch: boolean, path: SendPath): void => {
  const topic = topicOfSend(header, to, path.topics)
  const properties = Buffer.from(header.properties ?? '', 'utf8')
  const send = {
    to,
    oneway: isOneway(request),
    topic,
    queueId: header.queueId,
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestampMs: header.bornTimestamp,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    properties,
    propertiesStart: 0,
    propertiesEnd: properties.length,
    body: request.body,
    bodyStart: 0,
    bodyEnd: request.body.length,
  }
  const { reconsumeTimes } = send
  const { maxReconsumeTimes } = header
  const retried = { topic: topic.name, reconsumeTimes, maxReconsumeTimes, version: request.version }
  if (isBatch) path.service.addBatch(send)
  else path.service.addSingle(send, topic.isRetry ? () => path.retriedSends(retried) : undefined)
  path.pipeline.flush()
}

/** A handler of one of the three send codes for whatever the hot path leaves over. */
const sendHandler = (command: Command, path: SendPath, isBatchCode: boolean): Handler => ({
  command,
  answer({ connection, request }) {
    let to: AnswerTo = { connection, opaque: request.opaque, serializeType: request.serializeType }
    const header = decodeHeader(command.request, request.extFields, command.wireNames) as unknown as SendHeader
    const isBatch = isBatchCode || header.batch === true
    try {
      if (!path.hooks.isEmpty) to = path.hooks.begin(to, header, request.body.length, isBatch)
      accept(header, to, request, isBatch, path)
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error
      if (!isOneway(request)) path.responses.refused(to, error.responseCode, error.message)
    }
    return undefined
  },
})

/** SEND_MESSAGE, SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE in any header encoding. */
export const sendHandlers = (path: SendPath): Handler[] => [
  sendHandler(sendMessage, path, false),
  sendHandler(sendMessageV2, path, false),
  sendHandler(sendBatchMessage, path, true),
]
