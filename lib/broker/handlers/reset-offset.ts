import type { Logger } from '../../base/logging.ts'
import { handler, type RequestContext, ResponseError, reply } from '../../net/handler.ts'
import type { MessageQueue } from '../../protocol/bodies/message-queue.ts'
import { encodeResetOffset, encodeResetOffsetForC } from '../../protocol/bodies/reset-offset.ts'
import type { TopicConfig } from '../../protocol/bodies/topic-config.ts'
import { encodeHeader, type RequestOf } from '../../protocol/command.ts'
import { invokeBrokerToResetOffset } from '../../protocol/commands/invoke-broker-to-reset-offset.ts'
import { resetConsumerClientOffset } from '../../protocol/commands/reset-consumer-client-offset.ts'
import { LanguageCode } from '../../protocol/language-codes.ts'
import type { Member } from '../clients.ts'
import { checkOffsetCalls, checkReads, type GroupMembers } from '../consumers/client-calls.ts'
import type { OffsetWriter } from '../offsets/consumer-offsets.ts'
import type { QueueReader } from '../queue-reader.ts'
import type { TopicReader } from '../topics/topic-table.ts'
import { checkGroupName } from './refusals.ts'

/** What moving a group in time needs. */
export interface ResetParts {
  readonly brokerName: string
  readonly topics: TopicReader
  readonly offsets: OffsetWriter
  readonly queues: QueueReader
  readonly consumers: GroupMembers
  readonly logger: Logger
}

type Wish = RequestOf<typeof invokeBrokerToResetOffset>

/** The time that stands for the end of the queue. */
const TO_THE_END = -1

type Targets = ReadonlyMap<number, number>

/** Where queues stand at a time. Looked up before anything is decided: it may take as long as the disk does. */
const targetsAt = async (
  { queues }: ResetParts,
  topic: string,
  queueIds: readonly number[],
  timestampMs: number,
): Promise<Targets> => {
  const targets = new Map<number, number>()
  for (const queueId of queueIds) {
    const { max } = queues.range(topic, queueId)
    const offset = timestampMs === TO_THE_END ? max : await queues.offsetByTime(topic, queueId, timestampMs)
    targets.set(queueId, Math.max(0, offset))
  }
  return targets
}

/** Where the group goes on in each queue: at the time wanted, but never ahead unless that is forced. */
const byTime = (parts: ResetParts, { topic, group, isForce }: Wish, targets: Targets): Map<MessageQueue, number> => {
  const { brokerName, offsets } = parts
  const table = new Map<MessageQueue, number>()
  for (const [queueId, wanted] of targets) {
    const stored = offsets.find(group, topic, queueId)
    if (stored === undefined) throw new ResponseError('SYSTEM_ERROR', `THe consumer group <${group}> not exist`)
    table.set({ topic, brokerName, queueId }, isForce || wanted < stored ? wanted : stored)
  }
  return table
}

/** One queue, as tools of 5.x ask: to an offset within the queue, or to a time. */
const oneQueue = (parts: ResetParts, wish: Wish, queueId: number, targets: Targets): Map<MessageQueue, number> => {
  const { topic, group, offset } = wish
  const { min, max } = parts.queues.range(topic, queueId)
  if (offset !== undefined && offset !== -1 && (offset < min || offset > max)) {
    throw new ResponseError('SYSTEM_ERROR', `Target offset ${offset} not in consume queue range [${min}-${max}]`)
  }
  const target = offset === undefined || offset === -1 ? targets.get(queueId)! : offset
  if (!parts.offsets.commit(group, topic, queueId, target)) {
    throw new ResponseError('SYSTEM_ERROR', `offset ${target} of ${topic}:${queueId} cannot be stored`)
  }
  return new Map([[{ topic, brokerName: parts.brokerName, queueId }, target]])
}

const topicOf = ({ topics }: ResetParts, topic: string): TopicConfig => {
  const config = topics.get(topic)
  if (config !== undefined) return config
  const remark = `[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`
  throw new ResponseError('SYSTEM_ERROR', remark)
}

/** Tells every member, oneway. */
const tellMembers = (
  members: readonly Member[],
  { topic, group, timestamp, isForce }: Wish,
  offsetTable: ReadonlyMap<MessageQueue, number>,
  { request: { language } }: RequestContext,
): void => {
  const { code, request } = resetConsumerClientOffset
  const extFields = encodeHeader(request, { topic, group, timestamp, isForce })
  const encode = language === LanguageCode.CPP ? encodeResetOffsetForC : encodeResetOffset
  const body = encode({ offsetTable })
  for (const { connection } of members) connection.oneway({ code, extFields, body })
}

/**
 * Moves a connected group to a time: its members are told where to go on, and store that themselves. One queue named
 * with it is moved here too, so that nobody has to be connected.
 */
export const resetOffsetHandler = (parts: ResetParts) =>
  handler(invokeBrokerToResetOffset, async (wish, context) => {
    const { topic, group, timestamp, queueId = -1 } = wish
    checkGroupName(group)
    const { readQueueNums, writeQueueNums } = topicOf(parts, topic)
    if (queueId >= readQueueNums) {
      throw new ResponseError('SYSTEM_ERROR', `topic[${topic}] has no queue ${queueId}`)
    }
    const queueIds = queueId >= 0 ? [queueId] : Array.from({ length: writeQueueNums }, (_, index) => index)
    const targets = await targetsAt(parts, topic, queueIds, timestamp)
    topicOf(parts, topic)
    const members = [...parts.consumers.members(group)]
    checkOffsetCalls(members)
    for (const member of members) checkReads(member)
    const offsetTable = queueId >= 0 ? oneQueue(parts, wish, queueId, targets) : byTime(parts, wish, targets)
    tellMembers(members, wish, offsetTable, context)
    if (members.length === 0 && queueId < 0) {
      const remark = `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} Timestamp: ${timestamp}`
      throw new ResponseError('CONSUMER_NOT_ONLINE', remark)
    }
    parts.logger.info({ topic, group, timestamp, queueId, queues: offsetTable.size }, 'offsets of a group reset')
    return reply({}, { body: encodeResetOffset({ offsetTable }) })
  })
