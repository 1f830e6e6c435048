import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import type { Handler } from '../../net/handler.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerTable } from '../consumers/consumer-table.ts'
import type { QueueLocks } from '../consumers/queue-locks.ts'
import type { Delay } from '../delay/delay.ts'
import type { ConsumerFilters } from '../filters/consumer-filters.ts'
import { type FilterServers, registerFilterServerHandler } from '../filters/filter-servers.ts'
import type { SubscriptionGroupTable } from '../groups/group-table.ts'
import type { ConsumerOffsets } from '../offsets/consumer-offsets.ts'
import type { ProducerTable } from '../producers/producer-table.ts'
import type { PullFilters } from '../pull/pull-filter.ts'
import type { QueueEntryReader, QueueReader } from '../queue-reader.ts'
import type { AdmissionState } from '../send/admission.ts'
import type { BrokerStats } from '../stats.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import type { TrafficStats } from '../traffic/traffic-stats.ts'
import { aclOffHandlers } from './acl-off.ts'
import { brokerRuntimeInfoHandler } from './broker-runtime-info.ts'
import { brokerSettingsHandlers } from './broker-settings.ts'
import { checkClientConfigHandler } from './check-client-config.ts'
import { cleanTopicHandlers } from './clean-topics.ts'
import { connectionHandlers } from './connections.ts'
import { consumeStatsHandlers } from './consume-stats.ts'
import { consumerStatusHandler } from './consumer-status.ts'
import { deleteExpiredCommitlogHandler } from './delete-expired-commitlog.ts'
import { deleteTopicHandler } from './delete-topic.ts'
import { groupOffsetHandlers } from './group-offsets.ts'
import { groupQueryHandlers } from './group-queries.ts'
import { heartBeatHandler } from './heart-beat.ts'
import { queryConsumeQueueHandler } from './query-consume-queue.ts'
import { queryConsumerOffsetHandler } from './query-consumer-offset.ts'
import { queryMessageHandler } from './query-message.ts'
import { queueLockHandlers } from './queue-locks.ts'
import { queueOffsetHandlers } from './queue-offsets.ts'
import { relayHandlers } from './relay-to-consumer.ts'
import { resetOffsetHandler } from './reset-offset.ts'
import { stateSnapshotHandlers } from './state-snapshots.ts'
import { subscriptionGroupHandlers } from './subscription-groups.ts'
import { topicQueryHandlers } from './topic-queries.ts'
import { unregisterClientHandler } from './unregister-client.ts'
import { updateConsumerOffsetHandler } from './update-consumer-offset.ts'
import { updateTopicHandler, updateTopicListHandler } from './update-topic.ts'
import { viewBrokerStatsHandler } from './view-broker-stats.ts'
import { viewMessageByIdHandler } from './view-message-by-id.ts'

/** All parts that handlers are given narrow views of. */
export interface HandlerParts {
  readonly config: BrokerConfig
  readonly configPath: string | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly store: MessageStore
  readonly stats: BrokerStats
  readonly traffic: TrafficStats
  readonly topics: TopicTable
  readonly groups: SubscriptionGroupTable
  readonly offsets: ConsumerOffsets
  readonly consumers: ConsumerTable
  readonly producers: ProducerTable
  readonly filters: ConsumerFilters
  readonly pullFilters: PullFilters
  readonly filterServers: FilterServers
  readonly locks: QueueLocks
  readonly queues: QueueReader & QueueEntryReader
  /** host:port that clients are told. */
  readonly brokerAddr: string
  /** Resolves when name servers were told of all changes of topics. */
  readonly announced: () => Promise<void>
  /** Tells name servers all topics. */
  readonly announceAll: () => Promise<void>
  readonly parkedPulls: () => number
  /** Sends waiting for the device. */
  readonly sendLoad: () => AdmissionState
  readonly delay: Delay
}

/** Handlers of all codes but sends and pulls. */
export const brokerHandlers = (parts: HandlerParts): Handler[] => {
  const { config, clock, store, topics, groups, offsets, consumers, producers, queues } = parts
  const { brokerName } = config.current.identity
  const announceTopics = (): Promise<void> => {
    topics.touch()
    return parts.announceAll()
  }
  const forgetTopic = (topic: string): void => {
    offsets.removeTopic(topic)
    parts.traffic.forgetTopic(topic)
  }
  return [
    queryConsumerOffsetHandler(offsets, queues),
    updateConsumerOffsetHandler(offsets, topics),
    ...queueOffsetHandlers(queues),
    queryMessageHandler(store, config),
    viewMessageByIdHandler(store),
    heartBeatHandler({ ...parts, refusals: new ThrottledLog(clock, parts.logger) }),
    unregisterClientHandler(parts),
    checkClientConfigHandler(parts.pullFilters),
    registerFilterServerHandler(parts.filterServers, config),
    ...connectionHandlers(consumers, producers),
    ...queueLockHandlers(parts.locks),
    updateTopicHandler(topics, config, parts.announced),
    updateTopicListHandler(topics, config, parts.announced),
    deleteTopicHandler(topics, store, config, forgetTopic),
    deleteExpiredCommitlogHandler(store, parts.logger),
    ...topicQueryHandlers({ brokerName, topics, queues, consumers, offsets }),
    ...subscriptionGroupHandlers(groups, offsets, parts.traffic, config),
    ...consumeStatsHandlers({ ...parts, brokerName }),
    ...groupQueryHandlers(parts),
    ...groupOffsetHandlers({ ...parts, brokerName, nowMs: () => clock.nowMs() }),
    queryConsumeQueueHandler(queues, consumers, parts.filters, config),
    ...cleanTopicHandlers(parts),
    ...aclOffHandlers(),
    viewBrokerStatsHandler(parts.traffic),
    resetOffsetHandler({ ...parts, brokerName }),
    consumerStatusHandler(consumers, parts.logger),
    ...relayHandlers(consumers, store, brokerName),
    ...stateSnapshotHandlers({ ...parts, delayOffsets: parts.delay.offsets }),
    ...brokerSettingsHandlers({ ...parts, announceTopics }),
    brokerRuntimeInfoHandler({ ...parts, nowMs: () => clock.nowMs() }),
  ]
}
