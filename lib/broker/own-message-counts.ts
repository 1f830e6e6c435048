import { SystemGroup, SystemTopic } from '../protocol/names.ts'
import type { BrokerStats } from './stats.ts'
import type { TrafficStats } from './traffic/traffic-stats.ts'

/** Counts what the broker stores by itself, where Java does. */
export const ownMessageCounts = ({
  stats,
  traffic,
}: {
  readonly stats: BrokerStats
  readonly traffic: TrafficStats
}) => ({
  /** A delayed message was delivered: got from the schedule topic, put into its own. */
  delivered(topic: string, _level: number, sizeBytes: number): void {
    stats.messagesPut(1, sizeBytes)
    traffic.topic(topic).put(1, sizeBytes)
    const { nums, sizes } = traffic.group(SystemTopic.SCHEDULE, SystemGroup.SCHEDULE_CONSUMER)
    nums.add(1)
    sizes.add(sizeBytes)
  },
  /** A message with a delivery time was put into its topic. */
  deliveredInTime(topic: string, sizeBytes: number): void {
    stats.messagesPut(1, sizeBytes)
    traffic.topic(topic).put(1, sizeBytes)
  },
  /** A consumer sent a message back; delayed unless it was given up. */
  sentBack(group: string, topic: string, sizeBytes: number, isDelayed: boolean): void {
    stats.messagesPut(1, sizeBytes)
    traffic.group(topic, group).sendBacks.add(1)
    if (!isDelayed) return
    const { nums, sizes } = traffic.topic(SystemTopic.SCHEDULE)
    nums.add(1)
    sizes.add(sizeBytes)
  },
})
