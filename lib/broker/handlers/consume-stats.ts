import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Handler, handler, reply } from '../../net/handler.ts'
import type { MessageQueue } from '../../protocol/bodies/message-queue.ts'
import {
  type ConsumeStats,
  encodeConsumeStats,
  encodeConsumeStatsList,
  type OffsetWrapper,
} from '../../protocol/bodies/stats.ts'
import type { TopicConfig } from '../../protocol/bodies/topic-config.ts'
import { getBrokerConsumeStats } from '../../protocol/commands/get-broker-consume-stats.ts'
import { getConsumeStats } from '../../protocol/commands/get-consume-stats.ts'
import type { ConsumerGroup } from '../consumers/consumer-table.ts'
import type { OffsetReader } from '../offsets/consumer-offsets.ts'
import type { QueueReader } from '../queue-reader.ts'
import type { TopicReader } from '../topics/topic-table.ts'

/** What statistics of consumption need. */
export interface ConsumeStatsSources {
  readonly brokerName: string
  readonly brokerAddr: string
  readonly topics: TopicReader
  readonly groups: { all(): Iterable<{ readonly groupName: string }> }
  readonly consumers: { group(group: string): ConsumerGroup | undefined }
  readonly offsets: OffsetReader & {
    topicsOf(group: string): string[]
    pairs(): Iterable<{ readonly topic: string; readonly group: string }>
  }
  readonly queues: QueueReader
  readonly traffic: { groupTps(topic: string, group: string): number }
}

type OffsetTable = Map<MessageQueue, OffsetWrapper>

/** Adds the queues of one topic, as many as `queuesOf` says. False when the group no longer subscribes to it, or it is gone. */
const addTopic = async (
  table: OffsetTable,
  group: string,
  topic: string,
  sources: ConsumeStatsSources,
  queuesOf: (config: TopicConfig) => number,
): Promise<boolean> => {
  const config = sources.topics.get(topic)
  const connected = sources.consumers.group(group)
  if (config === undefined) return false
  if (connected !== undefined && connected.subscriptions.size > 0 && !connected.subscriptions.has(topic)) return false
  const places = Array.from({ length: queuesOf(config) }, (_, queueId) => ({
    queueId,
    brokerOffset: Math.max(0, sources.queues.range(topic, queueId).max),
    consumerOffset: Math.max(0, sources.offsets.find(group, topic, queueId) ?? 0),
  }))
  const consumed = places.map(({ queueId, consumerOffset }) => ({ queueId, queueOffset: consumerOffset - 1 }))
  const times = await sources.queues.storeTimes(topic, consumed)
  for (const [index, { queueId, brokerOffset, consumerOffset }] of places.entries()) {
    const lastTimestamp = Math.max(0, times[index]!)
    table.set({ topic, brokerName: sources.brokerName, queueId }, { brokerOffset, consumerOffset, lastTimestamp })
  }
  return true
}

const groupStatsHandler = (sources: ConsumeStatsSources) =>
  handler(getConsumeStats, async ({ consumerGroup, topic, topicList }) => {
    const asked = [topic ?? '', ...(topicList ?? '').split(';')].filter((name) => name !== '')
    const topics = asked.length > 0 ? asked : sources.offsets.topicsOf(consumerGroup)
    const offsetTable: OffsetTable = new Map()
    let consumeTps = 0
    for (const name of new Set(topics)) {
      if (!(await addTopic(offsetTable, consumerGroup, name, sources, ({ readQueueNums }) => readQueueNums))) continue
      consumeTps += sources.traffic.groupTps(name, consumerGroup)
    }
    return reply({}, { body: encodeConsumeStats({ consumeTps, offsetTable }) })
  })

/** Pairs of topic and group that are looked at before other work gets its turn: each asks the store about its queues. */
const PAIRS_PER_TURN = 64

const topicsByGroup = ({ offsets }: ConsumeStatsSources): Map<string, string[]> => {
  const topics = new Map<string, string[]>()
  for (const { topic, group } of offsets.pairs()) {
    const known = topics.get(group)
    if (known === undefined) topics.set(group, [topic])
    else known.push(topic)
  }
  return topics
}

const brokerStatsHandler = (sources: ConsumeStatsSources) =>
  handler(getBrokerConsumeStats, async ({ isOrder }) => {
    let totalDiff = 0
    let pairs = 0
    const topicsOf = topicsByGroup(sources)
    const consumeStatsList: Map<string, ConsumeStats[]>[] = []
    for (const { groupName } of [...sources.groups.all()]) {
      const stats: ConsumeStats[] = []
      for (const topic of topicsOf.get(groupName) ?? []) {
        if (isOrder && sources.topics.get(topic)?.order !== true) continue
        if (++pairs % PAIRS_PER_TURN === 0) await nextTurn()
        const offsetTable: OffsetTable = new Map()
        // Java counts the queues written to here, and those read from for a single group.
        if (!(await addTopic(offsetTable, groupName, topic, sources, ({ writeQueueNums }) => writeQueueNums))) continue
        stats.push({ consumeTps: sources.traffic.groupTps(topic, groupName), offsetTable })
        for (const { brokerOffset, consumerOffset } of offsetTable.values()) totalDiff += brokerOffset - consumerOffset
      }
      consumeStatsList.push(new Map([[groupName, stats]]))
    }
    return reply({}, { body: encodeConsumeStatsList({ brokerAddr: sources.brokerAddr, totalDiff, consumeStatsList }) })
  })

/** How far groups are: codes 208 (one group) and 317 (all groups). */
export const consumeStatsHandlers = (sources: ConsumeStatsSources): Handler[] => [
  groupStatsHandler(sources),
  brokerStatsHandler(sources),
]
