import type { Parts } from '../../base/lifecycle.ts'
import type { Handler } from '../../net/handler.ts'
import type { NewMessage } from '../messages/new-message.ts'
import type { OwnMessageParts } from '../own-messages.ts'
import { recallMessageHandler } from './recall-message.ts'
import { recallHandleOf, TimerDetour } from './timer-detour.ts'
import { TimerNotes } from './timer-notes.ts'
import { Timers, type TimersParts } from './timers.ts'

/** What only begins after the detours. */
export type TimerParts = Pick<TimersParts, 'writer' | 'messages' | 'onDelivered'>

/** Messages with a delivery time of their own, as the broker sees them. */
export interface TimerFeature {
  readonly detour: TimerDetour
  /** What the answer to a send names when the message is stored like this. */
  readonly recallHandleOf: (stored: NewMessage) => string | undefined
  /** Begins to deliver, unless timers are switched off; then those that are stored wait. */
  start(parts: TimerParts, lifecycle: Parts): Promise<readonly Handler[]>
}

/** Nothing happens before `start`. */
export const timerFeature = (own: OwnMessageParts): TimerFeature => {
  const { config, clock, topics } = own
  const notes = new TimerNotes()
  let timers: Timers | undefined
  return {
    detour: new TimerDetour({
      clock,
      options: () => config.current.timer,
      pending: () => timers?.pending.size ?? 0,
      brokerName: () => config.current.identity.brokerName,
      notes,
    }),
    recallHandleOf: (stored) => recallHandleOf(stored, config.current.identity.brokerName),
    async start({ writer, messages, onDelivered }, lifecycle) {
      if (config.current.timer.enabled) {
        const retention = () => config.current.retention
        const started = new Timers({ ...own, writer, messages, onDelivered, notes, retention })
        timers = await lifecycle.start('timers', async () => {
          await started.start()
          return started
        })
      }
      const onRecalled = (dueMs: number, key: string): void => timers?.recalled(dueMs, key)
      return [recallMessageHandler({ clock, topics, writer, onRecalled, options: () => config.current })]
    },
  }
}
