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
}

/** What is to be stored for a message after all detours. */
export const redirected = (message: NewMessage, detours: readonly Detour[]): NewMessage => {
  for (const detour of detours) {
    const changed = detour.redirect(message)
    if (changed !== message) return changed
  }
  return message
}
