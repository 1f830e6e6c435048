import type { Clock } from '../base/clock.ts'

/** Waits for `done`, which must not reject, but no longer than `timeoutMs`. Gives whether it was in time. */
export const within = (clock: Clock, timeoutMs: number, done: Promise<unknown>): Promise<boolean> =>
  new Promise((resolve) => {
    const timeout = clock.after(timeoutMs, () => resolve(false))
    done.then(() => {
      timeout.cancel()
      resolve(true)
    })
  })
