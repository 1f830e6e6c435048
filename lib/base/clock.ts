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
  /** Calls back once after `delayMs`. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): TimerHandle
  /** Calls back every `periodMs`, first after `initialDelayMs` (default `periodMs`). Does not keep the process alive. */
  every(periodMs: number, callback: () => void, initialDelayMs?: number): TimerHandle
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  every(periodMs, callback, initialDelayMs = periodMs) {
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
