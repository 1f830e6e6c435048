import { setTimeout as delay } from 'node:timers/promises'

/** Bounds of a wait: how long at most, and how often to look. */
export interface WaitOptions {
  /** Default 90,000 ms: patience for machines with many times more work than cores; costs nothing when all is well. */
  readonly timeoutMs?: number
  /** Default 25 ms. */
  readonly everyMs?: number
  /** Ends the wait early. */
  readonly signal?: AbortSignal
}

/**
 * Looks again and again until `probe` gives something other than undefined or false.
 * @throws Error naming `what` and the last failure of the probe when the time is over. A probe may throw: it is tried again.
 */
export const waitFor = async <T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 90_000, everyMs = 25, signal }: WaitOptions = {},
): Promise<T> => {
  const deadline = performance.now() + timeoutMs
  let failure: unknown
  do {
    try {
      const found = await probe()
      if (found !== undefined && found !== false) return found
      failure = undefined
    } catch (error) {
      failure = error
    }
    await delay(everyMs)
    signal?.throwIfAborted()
  } while (performance.now() < deadline)
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: failure })
}
