import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import type { ConsumerOffsets } from './consumer-offsets.ts'

const LOOK_MS = 3_600_000

/** What finding offsets of topics that are gone takes. */
export interface VanishedTopicParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly offsets: Pick<ConsumerOffsets, 'pairs' | 'remove'>
  readonly topics: { get(topic: string): unknown }
  readonly consumers: { subscription(group: string, topic: string): unknown }
  readonly store: { queues(): readonly { readonly topic: string }[] }
}

/** Offsets of topics that the broker does not have, neither in its table nor on disk, and the group does not want. */
const vanished = ({ offsets, topics, consumers, store }: VanishedTopicParts): { topic: string; group: string }[] => {
  const unknown = [...offsets.pairs()].filter(({ topic }) => topics.get(topic) === undefined)
  if (unknown.length === 0) return []
  const onDisk = new Set(store.queues().map(({ topic }) => topic))
  return unknown.filter(({ topic, group }) => !onDisk.has(topic) && consumers.subscription(group, topic) === undefined)
}

/** Takes such offsets out once an hour: a topic of that name begins at offset 0, where they mean nothing. */
export const dropVanishedTopics = (parts: VanishedTopicParts): TimerHandle =>
  parts.clock.every(LOOK_MS, () => {
    for (const { topic, group } of vanished(parts)) {
      parts.offsets.remove(group, topic)
      parts.logger.info({ topic, group }, 'offsets of a topic that is gone removed')
    }
  })
