/** A timer that can be called off. */
export interface TimerHandle {
  cancel(): void
}

/** The only source of time and timers outside `lib/cli`. Tests inject one they move by hand. */
export interface Clock {
  /** Wall clock in milliseconds since the epoch. May jump. */
  nowMs(): number
  /** Monotonic milliseconds from an arbitrary start; for measuring durations. */
  monotonicMs(): number
  /** Calls back once after `delayMs`, however long. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): TimerHandle
  /** Calls back every `periodMs`, first after `initialDelayMs` (default `periodMs`). Does not keep the process alive. */
  every(periodMs: number, callback: () => void, initialDelayMs?: number): TimerHandle
}

/** Node takes longer times for 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1

const after = (delayMs: number, callback: () => void): TimerHandle => {
  if (delayMs > MAX_TIMER_MS) return afterLong(delayMs, callback)
  const timer = setTimeout(callback, delayMs).unref()
  return { cancel: () => clearTimeout(timer) }
}

const afterLong = (delayMs: number, callback: () => void): TimerHandle => {
  let part = after(MAX_TIMER_MS, () => {
    part = after(delayMs - MAX_TIMER_MS, callback)
  })
  return { cancel: () => part.cancel() }
}

const everyLong = (periodMs: number, callback: () => void, initialDelayMs: number): TimerHandle => {
  const again = (): void => {
    next = after(periodMs, again)
    callback()
  }
  let next = after(initialDelayMs, again)
  return { cancel: () => next.cancel() }
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after,
  every(periodMs, callback, initialDelayMs = periodMs) {
    if (Math.max(periodMs, initialDelayMs) > MAX_TIMER_MS) return everyLong(periodMs, callback, initialDelayMs)
    let interval: NodeJS.Timeout | undefined
    const first = setTimeout(() => {
      interval = setInterval(callback, periodMs).unref()
      callback()
    }, initialDelayMs).unref()
    return {
      cancel: () => {
        clearTimeout(first)
        clearInterval(interval)
      },
    }
  },
}
