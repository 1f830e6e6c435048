import type { Clock } from '../../base/clock.ts'
import type { Parts } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import { SystemTopic } from '../../protocol/names.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Durability } from '../durability.ts'
import type { Detour } from '../messages/detour.ts'
import { MessageWriter } from '../messages/message-writer.ts'
import { StoredMessages } from '../messages/stored-messages.ts'
import { DelayDelivery } from './delay-delivery.ts'
import { delayDetour, queueOfLevel } from './delay-detour.ts'
import { DelayOffsets } from './delay-offsets.ts'
import { DelayedQueue, type DeliveryParts } from './delayed-queue.ts'

/** What delay levels need of the broker. */
export interface DelayParts {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly store: MessageStore
  readonly gate: Durability
  /** Told of each message delivered; `sizeBytes` is what its record takes. */
  readonly delivered?: (topic: string, level: number, sizeBytes: number) => void
}

/** Delayed messages as the rest of the broker sees them. */
export interface Delay {
  readonly detour: Detour
  readonly offsets: Pick<DelayOffsets, 'encode'>
  /** Of each level of which something was delivered: what comes next, and the end of its queue. */
  progress(): { readonly level: number; readonly nextOffset: number; readonly maxOffset: number }[]
}

/** The store keeps due times for so many levels. */
const MAX_LEVELS = 64

/** Levels to deliver: those configured, and those that were and still have messages. */
const levelsOf = ({ store, config }: DelayParts): number[] => {
  const topic = store.topic(SystemTopic.SCHEDULE)
  const configured = config.current.delay.levelsMs.length
  return Array.from({ length: MAX_LEVELS }, (_, index) => index + 1).filter(
    (level) => level <= configured || store.bounds(topic, queueOfLevel(level)) !== undefined,
  )
}

/** Starts the delivery of delayed messages; `lifecycle` stops it. A slave delivers none: its master does. */
export const startDelay = async (parts: DelayParts, lifecycle: Parts): Promise<Delay> => {
  const { store, gate, clock, logger, config, delivered } = parts
  const { levelsMs } = config.current.delay
  const offsets = await lifecycle.start('delay offsets', () => DelayOffsets.load(parts))
  const delivery: DeliveryParts = {
    ...{ store, offsets, clock },
    messages: new StoredMessages(store),
    writer: new MessageWriter(store, gate, []),
    log: new ThrottledLog(clock, logger),
    ...(delivered === undefined ? {} : { delivered }),
  }
  const levels = config.current.identity.role === 'SLAVE' ? [] : levelsOf(parts)
  const queues = levels.map((level) => new DelayedQueue(level, levelsMs[level - 1], delivery))
  await lifecycle.start('delayed delivery', () => new DelayDelivery(queues, clock, logger))
  return {
    detour: delayDetour(levelsMs.length),
    offsets,
    progress: () =>
      [...offsets.all()].map(([level, nextOffset]) => ({
        level,
        nextOffset,
        maxOffset: store.bounds(store.topic(SystemTopic.SCHEDULE), queueOfLevel(level))?.max ?? 0,
      })),
  }
}
