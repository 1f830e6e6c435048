import type { NewMessage } from './new-message.ts'

/**
 * Stores some messages elsewhere than where they were sent to: delayed ones in the schedule topic, halves of
 * transactions in the half topic. The first one that changes a message is the only one.
 */
export interface Detour {
  /** Properties without which no message is concerned; the hot send path looks for no others. */
  readonly properties: readonly string[]
  /** True: only messages that clients send. False: those that the broker writes by itself as well. */
  readonly clientsOnly: boolean
  /**
   * What is to be stored for the message; the same object when it is not concerned.
   * @throws {ResponseError} when it may not be stored
   */
  redirect(message: NewMessage): NewMessage
  /** The same for what clients send one by one, on bytes. */
  readonly hot?: HotDetour
}

/** A detour that puts properties and changes nothing else but the queue: without an object for each message. */
export interface HotDetour {
  /** Names of the properties it puts. */
  readonly put: readonly string[]
  /** A message that has one of these goes the other way. */
  readonly unless: readonly string[]
  /** Undefined: the message goes the other way. */
  take(message: HotMessage): HotTarget | undefined
}

/** What a hot detour may know of a message. */
export interface HotMessage {
  readonly topic: { readonly name: string; readonly bytes: Buffer }
  readonly queueId: number
  readonly sysFlag: number
  /** Value of one of the detour's `properties`; NaN when that is not a plain number, undefined when it is absent. */
  integer(name: string): number | undefined
}

/** Where a message is stored instead. Holds until the next `take`. */
export interface HotTarget {
  readonly topic: string
  readonly queueId: number
  /** Values of `put`. */
  readonly values: readonly Buffer[]
  /** What the answer names as the way to call the message off, by its client's id: [start, end) of the bytes. */
  recallHandle(uniqKey: Buffer, start: number, end: number): string | undefined
  /** Called with the message's offset in the queue above, if it is stored. Differs for each message. */
  readonly onStored: ((queueOffset: number) => void) | undefined
}

/** What is to be stored for a message after all detours. */
export const redirected = (message: NewMessage, detours: readonly Detour[]): NewMessage => {
  for (const detour of detours) {
    const changed = detour.redirect(message)
    if (changed !== message) return changed
  }
  return message
}
