import { setImmediate } from 'node:timers/promises'

/** Lets the event loop do what else there is. */
export const nextTurn = (): Promise<void> => setImmediate()
