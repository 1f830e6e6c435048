import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import type { FrameHandler } from '../../net/connection.ts'
import type { Handler } from '../../net/handler.ts'
import { pullMessage } from '../../protocol/commands/pull-message.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { TrafficStats } from '../traffic/traffic-stats.ts'
import { HotPull } from './hot-pull.ts'
import { LongPolling } from './long-polling.ts'
import { OffsetMovedEvents } from './offset-moved.ts'
import type { PullSources } from './pull-check.ts'
import { pullHandlers } from './pull-handlers.ts'
import { type PullEffects, PullService, type PullSettings } from './pull-service.ts'

/** What the pull path needs of the broker. */
export interface PullParts {
  readonly store: MessageStore
  readonly topics: PullSources['topics']
  readonly groups: PullSources['groups']
  readonly consumers: PullSources['consumers']
  readonly filters: PullSources['filters']
  readonly offsets: { readonly commit: PullEffects['commitOffset'] }
  readonly stats: { messagesGot(count: number, sizeBytes: number): void }
  readonly traffic: Pick<TrafficStats, 'group'>
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: PullSettings & {
    readonly brokerName: string
    /** brokerIP1, an IP literal, and the listen port. */
    readonly storeHost: { readonly address: string; readonly port: number }
    readonly readable: () => boolean
  }
}

/** The pull path as the composition root holds it. */
export interface PullPath {
  readonly handlers: Handler[]
  readonly frameHandlers: Map<number, FrameHandler>
  /** Pulls that wait for messages. */
  readonly parkedPulls: () => number
  stop(): void
}

/** Handlers of the pull codes, the frame handler for the hot one, and the long polling behind them. */
export const createPullHandlers = (parts: PullParts): PullPath => {
  const { store, topics, groups, consumers, filters, clock, logger, settings } = parts
  const { address, port } = settings.storeHost
  const events = new OffsetMovedEvents(store, clock, { name: settings.brokerName, address, port })
  const corrections = new ThrottledLog(clock, logger)
  const service = new PullService({
    store,
    sources: { topics, groups, consumers, filters, store, broker: { address, readable: settings.readable } },
    settings,
    effects: {
      commitOffset: (group, topic, queueId, queueOffset) => parts.offsets.commit(group, topic, queueId, queueOffset),
      messagesGot: (count, sizeBytes) => parts.stats.messagesGot(count, sizeBytes),
      groupGot: ({ group, topic, queueId }, count, sizeBytes, latencyMs, behindBytes) =>
        parts.traffic.group(topic, group).got(queueId, count, sizeBytes, latencyMs, behindBytes),
      offsetMoved: (event) => {
        corrections.warn(event, 'a pull was out of bounds and is corrected')
        events.record(event)
      },
    },
    clock,
    logger,
  })
  const polling = new LongPolling(store, clock, service.wake)
  service.polling = polling
  return {
    handlers: pullHandlers(service),
    frameHandlers: new Map([[pullMessage.code, new HotPull(service)]]),
    parkedPulls: () => polling.count,
    stop: () => polling.stop(),
  }
}
