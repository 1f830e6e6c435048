import { type Handler, handler, type RequestContext, ResponseError } from '../../net/handler.ts'
import type { RequestOf } from '../../protocol/command.ts'
import { consumerSendMsgBack } from '../../protocol/commands/consumer-send-msg-back.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { encodeOffsetMessageId } from '../../protocol/message-ids.ts'
import { retryTopic } from '../../protocol/names.ts'
import { isWriteable } from '../../protocol/permissions.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { TopicSysFlag } from '../../protocol/sys-flags.ts'
import { AppendStatus } from '../../store/status.ts'
import { putStatusOf } from '../durability.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import { type NewMessage, newMessageOf, withProperties } from '../messages/new-message.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'
import { deadLettersOf, type RetryGroups, type RetryTopics, retryGroup, retryLimit, topicFor } from './retry-limit.ts'

/** What sending a message back needs. */
export interface SendBackParts {
  readonly groups: RetryGroups
  readonly topics: RetryTopics
  readonly messages: Pick<StoredMessages, 'at'>
  /** One with all detours: retries are delayed. */
  readonly writer: Pick<MessageWriter, 'write' | 'durable'>
  /** In [0, 1); chooses a queue. */
  readonly random: () => number
  readonly broker: { readonly address: string; readonly writable: () => boolean }
  /** Told of each message that is consumed again (`isDelayed`) or given up; `topic` is the one it was first sent to. */
  readonly sentBack?: (group: string, topic: string, sizeBytes: number, isDelayed: boolean) => void
}

type SendBack = RequestOf<typeof consumerSendMsgBack>

/** Level of the first retry. */
const FIRST_LEVEL = 3
const BLANK = /^\s*$/

/** Java's name for a message that was not stored. */
const refusalName = (status: AppendStatus): string => {
  switch (status) {
    case AppendStatus.INVALID_ARGUMENT:
    case AppendStatus.TOO_LARGE:
      return 'MESSAGE_ILLEGAL'
    case AppendStatus.BUSY:
      return 'OS_PAGECACHE_BUSY'
    default:
      return 'SERVICE_NOT_AVAILABLE'
  }
}

/** A queue of the group's retry topic, made when it is not there. @throws {ResponseError} */
const retryPlace = ({ group, unitMode }: SendBack, queueNums: number, { topics, random }: SendBackParts) => {
  const topic = retryTopic(group)
  const { perm, readQueueNums } = topicFor(topics, topic, queueNums, unitMode ? TopicSysFlag.UNIT_SUB : 0)
  if (!isWriteable(perm)) throw new ResponseError('NO_PERMISSION', `the topic[${topic}] sending message is forbidden`)
  // The group may have got more queues than its topic has; nobody would read there.
  const queues = readQueueNums > 0 ? Math.min(queueNums, readQueueNums) : queueNums
  return { topic, queueId: Math.floor(random() * queues) }
}

/** Java's changes, in Java's order: the order of the stored properties depends on it. */
const retriedProperties = (record: StoredMessage, delayLevel: number): Map<string, string> => {
  const { properties, topic, storeHost, physicalOffset } = record
  const originId = properties.get(PropertyName.ORIGIN_MESSAGE_ID) ?? ''
  return withProperties(properties, {
    [PropertyName.RETRY_TOPIC]: properties.get(PropertyName.RETRY_TOPIC) ?? topic,
    [PropertyName.WAIT]: 'false',
    [PropertyName.DELAY]: String(delayLevel),
    [PropertyName.ORIGIN_MESSAGE_ID]: BLANK.test(originId)
      ? encodeOffsetMessageId(storeHost, physicalOffset)
      : originId,
  })
}

/** The message that is stored in place of the one that came back. @throws {ResponseError} */
const retried = (
  header: SendBack,
  record: StoredMessage,
  limit: number,
  place: Pick<NewMessage, 'topic' | 'queueId'>,
  topics: RetryTopics,
): NewMessage => {
  const { reconsumeTimes } = record
  const gone = reconsumeTimes >= limit || header.delayLevel < 0
  const level = gone ? 0 : header.delayLevel === 0 ? FIRST_LEVEL + reconsumeTimes : header.delayLevel
  return newMessageOf(record, {
    ...(gone ? deadLettersOf(topics, header.group) : place),
    reconsumeTimes: reconsumeTimes + 1,
    properties: retriedProperties(record, level),
  })
}

const sendBack = async (header: SendBack, { request }: RequestContext, parts: SendBackParts): Promise<void> => {
  const { groups, topics, messages, writer, broker } = parts
  const group = retryGroup(groups, header.group)
  if (!broker.writable()) {
    throw new ResponseError('NO_PERMISSION', `the broker[${broker.address}] sending message is forbidden`)
  }
  if (group.retryQueueNums <= 0) return
  const place = retryPlace(header, group.retryQueueNums, parts)
  const record = await messages.at(header.offset)
  if (record === undefined) throw new ResponseError('SYSTEM_ERROR', `look message by offset failed, ${header.offset}`)
  const limit = retryLimit(group, request.version, header.maxReconsumeTimes)
  const message = retried(header, record, limit, place, topics)
  const { status, physicalOffset, endOffset } = writer.write(message)
  if (status !== AppendStatus.OK) throw new ResponseError('SYSTEM_ERROR', refusalName(status))
  // The consumer goes on once it has the answer: the message must not get lost with the machine then.
  const { kind } = await writer.durable(endOffset)
  if (kind === 'failed') throw new ResponseError('SYSTEM_ERROR', refusalName(AppendStatus.READ_ONLY))
  if (kind !== 'durable') throw new ResponseError('SYSTEM_ERROR', putStatusOf[kind])
  const firstTopic = message.properties.get(PropertyName.RETRY_TOPIC) ?? record.topic
  parts.sentBack?.(header.group, firstTopic, endOffset - physicalOffset, message.topic === place.topic)
}

/**
 * CONSUMER_SEND_MSG_BACK: a message that could not be consumed is stored again in the group's retry topic, delayed by
 * `delayLevel` or, when that is 0, longer each time; when it is negative, and after the last time, in the group's
 * dead-letter topic.
 */
export const sendBackHandler = (parts: SendBackParts): Handler =>
  handler(consumerSendMsgBack, async (header, context) => {
    await sendBack(header, context, parts)
    return {}
  })
