import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import type { SubscriptionGroupConfig } from '../../protocol/bodies/subscription-group.ts'
import type { BrokerConfig } from '../config/broker-config.ts'

const LOOK_MS = 180_000

/** What shutting groups off needs. */
export interface SlowGroupParts {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly traffic: { takeGroupsBehind(bytes: number): string[] }
  readonly groups: {
    get(group: string): SubscriptionGroupConfig | undefined
    update(group: SubscriptionGroupConfig): void
  }
}

/**
 * With `disableConsumeIfConsumerReadSlowly`: a group that reads further behind than `consumerFallbehindThreshold` may no
 * longer consume, so that its reads from disk do not slow others. An administrator lets it in again.
 */
export const watchSlowGroups = ({ config, clock, logger, traffic, groups }: SlowGroupParts): TimerHandle =>
  clock.every(LOOK_MS, () => {
    const { disableSlowGroups, slowGroupBytes } = config.current.pull
    if (!disableSlowGroups) return
    for (const name of traffic.takeGroupsBehind(slowGroupBytes)) {
      const group = groups.get(name)
      if (group?.consumeEnable !== true) continue
      groups.update({ ...group, consumeEnable: false })
      logger.warn({ group: name, slowGroupBytes }, 'a group far behind may no longer consume')
    }
  })
