import type { Clock, TimerHandle } from '../base/clock.ts'
import type { RemotingCommand } from '../protocol/remoting-command.ts'
import { NetError } from './net-error.ts'

const MAX_OPAQUE = 2 ** 31 - 1
/** Timeouts are met this late at most; one timer serves all requests of a connection. */
const TIMER_GRAIN_MS = 10

interface Pending {
  readonly resolve: (response: RemotingCommand) => void
  readonly reject: (error: NetError) => void
  /** Monotonic. */
  readonly expiresAt: number
  readonly timeoutMs: number
  readonly code: number
}

/** Our own requests on one connection that wait for a response, by opaque. Empty after the last one ended. */
export class ResponseTable {
  readonly #clock: Clock
  readonly #peer: string
  readonly #pending = new Map<number, Pending>()
  #nextOpaque = 1
  #timer: TimerHandle | undefined
  #timerFiresAt = Number.POSITIVE_INFINITY
  #unmatched = 0

  /** @param peer address for error messages */
  constructor(clock: Clock, peer: string) {
    this.#clock = clock
    this.#peer = peer
  }

  /** Requests without a response yet. */
  get size(): number {
    return this.#pending.size
  }

  /** Responses that came after their request had timed out, or to no request at all. */
  get unmatched(): number {
    return this.#unmatched
  }

  /** An opaque that no waiting request uses. 1 to 2^31 - 1, then from 1 again. */
  nextOpaque(): number {
    for (;;) {
      const opaque = this.#nextOpaque
      this.#nextOpaque = opaque === MAX_OPAQUE ? 1 : opaque + 1
      if (!this.#pending.has(opaque)) return opaque
    }
  }

  /** Waits for the response to `opaque`. `code` is the request's, for error messages. */
  wait(opaque: number, code: number, timeoutMs: number): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      const expiresAt = this.#clock.monotonicMs() + timeoutMs
      this.#pending.set(opaque, { resolve, reject, expiresAt, timeoutMs, code })
      if (expiresAt < this.#timerFiresAt) this.#arm(expiresAt)
    })
  }

  /** Gives a response to whoever waits for it; others are dropped and counted. */
  settle(response: RemotingCommand): void {
    const pending = this.#pending.get(response.opaque)
    if (pending === undefined) {
      this.#unmatched += 1
      return
    }
    this.#pending.delete(response.opaque)
    if (this.#pending.size === 0) this.#disarm()
    pending.resolve(response)
  }

  /** Fails everything that waits with `NET_CLOSED`. */
  fail(reason: string): void {
    this.#disarm()
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject, code } of waiting) {
      const message = `connection to ${this.#peer} closed before the response to request code ${code}: ${reason}`
      reject(new NetError('NET_CLOSED', message, { retryable: true }))
    }
  }

  #arm(firesAt: number): void {
    this.#timer?.cancel()
    this.#timerFiresAt = firesAt
    this.#timer = this.#clock.after(Math.max(0, firesAt - this.#clock.monotonicMs()), () => this.#expire())
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerFiresAt = Number.POSITIVE_INFINITY
  }

  #expire(): void {
    this.#disarm()
    const now = this.#clock.monotonicMs()
    let nextExpiry = Number.POSITIVE_INFINITY
    for (const [opaque, pending] of this.#pending) {
      if (pending.expiresAt > now) {
        nextExpiry = Math.min(nextExpiry, pending.expiresAt)
        continue
      }
      this.#pending.delete(opaque)
      const message = `${this.#peer} did not answer request code ${pending.code} in ${pending.timeoutMs} ms`
      pending.reject(new NetError('NET_TIMEOUT', message, { retryable: true }))
    }
    if (this.#pending.size > 0) this.#arm(Math.max(nextExpiry, now + TIMER_GRAIN_MS))
  }
}
