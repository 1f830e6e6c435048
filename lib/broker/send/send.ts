import type { Clock } from '../../base/clock.ts'
import type { FrameHandler } from '../../net/connection.ts'
import type { Handler } from '../../net/handler.ts'
import { sendMessage } from '../../protocol/commands/send-message.ts'
import { sendMessageV2 } from '../../protocol/commands/send-message-v2.ts'
import { hostAddress } from '../../protocol/host-address.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { AnswerTo } from '../answer.ts'
import type { Durability } from '../durability.ts'
import type { Detour } from '../messages/detour.ts'
import type { NewMessage } from '../messages/new-message.ts'
import type { RetriedSends } from '../retry/retried-send.ts'
import { type AdmissionSettings, type AdmissionState, SendAdmission } from './admission.ts'
import { HotSend } from './hot-send.ts'
import { type SendHeader, sendHandlers, topicOfSend } from './send-handlers.ts'
import { ObservedResponseWriter, type SendHooks } from './send-hooks.ts'
import { SendPipeline, type SendStats } from './send-pipeline.ts'
import { SendResponseWriter } from './send-response.ts'
import { SendService } from './send-service.ts'
import { type SendTopic, SendTopics, type SendTopicTable, type TopicCounters } from './send-topics.ts'

/** What the send path needs of the broker. */
export interface SendParts {
  readonly store: MessageStore
  readonly gate: Durability
  readonly topics: SendTopicTable
  readonly stats: SendStats
  readonly traffic: TopicCounters
  readonly clock: Clock
  /** In [0, 1); chooses a queue when the producer left it open. */
  readonly random: () => number
  /** Asked in their order for messages that have one of their properties. */
  readonly detours: readonly Detour[]
  readonly retriedSends: RetriedSends
  readonly hooks: SendHooks
  /** What the answer names as the way to call a message off that is stored like this. */
  readonly recallHandleOf?: (stored: NewMessage) => string | undefined
  readonly settings: {
    readonly clusterName: string
    readonly regionId: string
    readonly traceOn: boolean
    readonly maxBodyBytes: number
    readonly acceptFromMs: number
    /** Address that records and message ids name: brokerIP1, an IP literal, and the listen port. */
    readonly storeHost: { readonly address: string; readonly port: number }
    readonly writable: () => boolean
    readonly admission: AdmissionSettings
  }
}

/** Where a message that may be stored goes to. */
export interface AcceptedSend {
  readonly topic: SendTopic
  readonly queueId: number
}

/** The send path as the broker sees it. */
export interface SendHandlers {
  readonly handlers: Handler[]
  readonly frameHandlers: Map<number, FrameHandler>
  /** What waits now. */
  readonly load: () => AdmissionState
  /** The checks of a send, for messages that are not stored by it. @throws {ResponseError} */
  readonly accept: (header: SendHeader, to: AnswerTo) => AcceptedSend
}

/** Handlers of the three send codes, and the frame handlers that take them straight from the receive buffer. */
export const createSendHandlers = (parts: SendParts): SendHandlers => {
  const { store, gate, stats, settings } = parts
  const { address, port } = settings.storeHost
  const { bytes } = hostAddress(address, port)
  const portBytes = Buffer.alloc(4)
  portBytes.writeInt32BE(port)
  const { regionId, traceOn } = settings
  const { hooks } = parts
  const answers = { regionId, traceOn, storeHost: Buffer.concat([bytes, portBytes]) }
  const responses = hooks.isEmpty ? new SendResponseWriter(answers) : new ObservedResponseWriter(answers)
  const admission = new SendAdmission(parts.clock, settings.admission, () => {
    const { appended, flushed } = store.watermarks
    return appended - flushed
  })
  const pipeline = new SendPipeline({
    ...{ store, gate, responses, stats, admission, clock: parts.clock },
    maxMessageBytes: settings.maxBodyBytes,
  })
  const { clusterName, acceptFromMs, maxBodyBytes } = settings
  const service = new SendService(pipeline, parts.clock, admission, {
    clusterName,
    acceptFromMs,
    maxBodyBytes,
    random: parts.random,
    detours: parts.detours,
    detourTopic: (name) => ({ handle: store.topic(name), traffic: parts.traffic.topic(name) }),
    recallHandleOf: parts.recallHandleOf ?? (() => undefined),
  })
  const topics = new SendTopics(parts.topics, store, parts.traffic, { address, writable: settings.writable })
  const path = { topics, service, pipeline, responses, retriedSends: parts.retriedSends, hooks }
  return {
    load: () => admission.state,
    accept: (header, to) => {
      const topic = topicOfSend(header, to, topics)
      return { topic, queueId: service.checkedQueue({ queueId: header.queueId, topic, to }) }
    },
    handlers: sendHandlers(path),
    frameHandlers: new Map(
      hooks.isEmpty ? [sendMessage, sendMessageV2].map((command) => [command.code, new HotSend(command, path)]) : [],
    ),
  }
}
