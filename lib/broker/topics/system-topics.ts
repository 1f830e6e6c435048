import { type TopicConfig, topicConfig } from '../../protocol/bodies/topic-config.ts'
import { isSystemTopic, replyTopic, SystemTopic } from '../../protocol/names.ts'
import { PERM_INHERIT, PERM_READ, PERM_WRITE } from '../../protocol/permissions.ts'
import type { BrokerOptions } from '../config/broker-options.ts'

const SCHEDULE_QUEUES = 18
const BENCHMARK_QUEUES = 1024
const ALL = PERM_INHERIT | PERM_READ | PERM_WRITE

const withQueues = (queues: number, perm = PERM_READ | PERM_WRITE) => ({
  readQueueNums: queues,
  writeQueueNums: queues,
  perm,
})

/** The topics a broker has from its start, as Java 4.9 makes them. */
export const presetTopics = ({ identity, topics }: BrokerOptions): TopicConfig[] => {
  const presets = [topicConfig(SystemTopic.SELF_TEST, withQueues(1))]
  if (topics.autoCreate) {
    presets.push(topicConfig(SystemTopic.AUTO_CREATE_KEY, withQueues(topics.defaultQueueNums, ALL)))
  }
  presets.push(
    topicConfig(SystemTopic.BENCHMARK, withQueues(BENCHMARK_QUEUES)),
    topicConfig(identity.clusterName, { perm: topics.clusterTopicEnabled ? ALL : PERM_INHERIT }),
    topicConfig(identity.brokerName, withQueues(1, topics.brokerTopicEnabled ? ALL : PERM_INHERIT)),
    topicConfig(SystemTopic.OFFSET_MOVED_EVENT, withQueues(1)),
    topicConfig(SystemTopic.SCHEDULE, withQueues(SCHEDULE_QUEUES)),
  )
  if (topics.traceTopicEnabled) presets.push(topicConfig(topics.traceTopic, withQueues(1)))
  presets.push(topicConfig(replyTopic(identity.clusterName), withQueues(1)))
  return presets
}

/** Tells which topics are the system's own on one broker. */
export interface SystemTopics {
  has(topic: string): boolean
  /** All names, as answered to code 305. */
  readonly names: readonly string[]
}

/** The fixed system topics and those named after this broker and its cluster. */
export const systemTopics = (options: BrokerOptions): SystemTopics => {
  const names = new Set<string>(Object.values(SystemTopic))
  for (const preset of presetTopics(options)) names.add(preset.topicName)
  return { names: [...names], has: (topic) => names.has(topic) || isSystemTopic(topic) }
}
