import { type Handler, handler, ResponseError, reply } from '../../net/handler.ts'
import { encodeConsumeTimeSpan, type QueueTimeSpan } from '../../protocol/bodies/consume-time-span.ts'
import { encodeQueryCorrectionOffset } from '../../protocol/bodies/offsets.ts'
import { cloneGroupOffset } from '../../protocol/commands/clone-group-offset.ts'
import { queryConsumeTimeSpan } from '../../protocol/commands/query-consume-time-span.ts'
import { queryCorrectionOffset } from '../../protocol/commands/query-correction-offset.ts'
import type { ConsumerGroup } from '../consumers/consumer-table.ts'
import type { OffsetReader } from '../offsets/consumer-offsets.ts'
import type { QueueReader } from '../queue-reader.ts'
import type { TopicReader } from '../topics/topic-table.ts'
import { checkGroupName } from './refusals.ts'

/** What questions about offsets, and copies of them, need. */
export interface GroupOffsetParts {
  readonly brokerName: string
  readonly topics: TopicReader
  readonly queues: QueueReader
  readonly consumers: { group(group: string): ConsumerGroup | undefined }
  readonly offsets: OffsetReader & {
    topicsOf(group: string): string[]
    groupsOf(topic: string): string[]
    queuesOf(group: string, topic: string): ReadonlyMap<number, number>
    copy(fromGroup: string, toGroup: string, topic: string): boolean
  }
  readonly nowMs: () => number
}

/** Java's Long.MAX_VALUE: this queue needs no correction. */
const NO_CORRECTION = 9_223_372_036_854_775_807n

/** Whether a group that is connected has given the topic up. */
const hasLeft = ({ consumers }: GroupOffsetParts, group: string, topic: string): boolean => {
  const connected = consumers.group(group)
  return connected !== undefined && connected.subscriptions.size > 0 && !connected.subscriptions.has(topic)
}

/** Copies a group's offsets in one topic, or in all it has offsets for, to another group. */
const cloneHandler = (parts: GroupOffsetParts) =>
  handler(cloneGroupOffset, ({ srcGroup, destGroup, topic = '', offline }) => {
    checkGroupName(destGroup)
    const topics = topic.trim() === '' ? parts.offsets.topicsOf(srcGroup) : [topic]
    for (const name of topics) {
      if (parts.topics.get(name) === undefined || (!offline && hasLeft(parts, srcGroup, name))) continue
      parts.offsets.copy(srcGroup, destGroup, name)
    }
    return {}
  })

/** The smallest offset by queue of all groups but some; offsets below a queue's first message do not count. */
const smallestOffsets = (parts: GroupOffsetParts, topic: string, without: ReadonlySet<string>): Map<number, number> => {
  const smallest = new Map<number, number>()
  for (const group of parts.offsets.groupsOf(topic)) {
    if (without.has(group)) continue
    for (const [queueId, offset] of parts.offsets.queuesOf(group, topic)) {
      if (offset < parts.queues.range(topic, queueId).min) continue
      smallest.set(queueId, Math.min(offset, smallest.get(queueId) ?? offset))
    }
  }
  return smallest
}

/** Where a group would have to go back to so as to stand with the slowest: no correction for queues where it does. */
const correctionHandler = (parts: GroupOffsetParts) =>
  handler(queryCorrectionOffset, ({ filterGroups = '', compareGroup, topic }) => {
    const without = new Set(filterGroups.split(',').filter((group) => group !== ''))
    const correctionOffsets = new Map<number, number | bigint>(smallestOffsets(parts, topic, without))
    for (const [queueId, offset] of parts.offsets.queuesOf(compareGroup, topic)) {
      const smallest = correctionOffsets.get(queueId)
      if (smallest !== undefined && smallest > offset) correctionOffsets.set(queueId, NO_CORRECTION)
    }
    return reply({}, { body: encodeQueryCorrectionOffset({ correctionOffsets }) })
  })

/** What is asked about a queue: its first and its last message, the last one consumed, and the next. */
const PLACES_OF_QUEUE = 4

const timeSpans = async (
  { queues, offsets, nowMs, brokerName }: GroupOffsetParts,
  group: string,
  topic: string,
  queueCount: number,
): Promise<QueueTimeSpan[]> => {
  const asked = Array.from({ length: queueCount }, (_, queueId) => {
    const { min, max } = queues.range(topic, queueId)
    return { queueId, min, max, consumed: offsets.find(group, topic, queueId) ?? -1 }
  })
  const places = asked.flatMap(({ queueId, min, max, consumed }) =>
    [min, max - 1, consumed - 1, Math.max(min, consumed)].map((queueOffset) => ({ queueId, queueOffset })),
  )
  const times = await queues.storeTimes(topic, places)
  return asked.map(({ queueId, min, max, consumed }, index) => {
    const at = index * PLACES_OF_QUEUE
    const [first, last, lastConsumed, next] = times.slice(at, at + PLACES_OF_QUEUE) as [number, number, number, number]
    return {
      messageQueue: { topic, brokerName, queueId },
      minTimeStamp: first,
      maxTimeStamp: last,
      consumeTimeStamp: consumed > 0 ? lastConsumed : first,
      delayTime: max > min && consumed < max ? Math.max(0, nowMs() - next) : 0,
    }
  })
}

const timeSpanHandler = (parts: GroupOffsetParts) =>
  handler(queryConsumeTimeSpan, async ({ topic, group }) => {
    const config = parts.topics.get(topic)
    if (config === undefined) throw new ResponseError('TOPIC_NOT_EXIST', `topic[${topic}] not exist`)
    const consumeTimeSpanSet = await timeSpans(parts, group, topic, config.writeQueueNums)
    return reply({}, { body: encodeConsumeTimeSpan({ consumeTimeSpanSet }) })
  })

/** Offsets of whole groups: codes 314 (copy), 308 (the slowest) and 303 (as times). */
export const groupOffsetHandlers = (parts: GroupOffsetParts): Handler[] => [
  cloneHandler(parts),
  correctionHandler(parts),
  timeSpanHandler(parts),
]
