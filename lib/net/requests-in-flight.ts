import type { NetLimits } from './limits.ts'
import { RESUME_SHARE, type ReadGate } from './read-gate.ts'

/** Requests of one connection that were begun and not ended. Too many, or too many bytes, close the read gate. */
export class RequestsInFlight {
  readonly #gate: ReadGate
  readonly #limits: NetLimits
  #requests = 0
  #bytes = 0
  readonly #emptyListeners: (() => void)[] = []

  constructor(gate: ReadGate, limits: NetLimits) {
    this.#gate = gate
    this.#limits = limits
  }

  begin(requestBytes: number): void {
    this.#requests += 1
    this.#bytes += requestBytes
    const { maxRequestsInFlight, maxRequestBytesInFlight } = this.#limits
    if (this.#requests >= maxRequestsInFlight || this.#bytes >= maxRequestBytesInFlight) {
      this.#gate.close('requests-in-flight')
    }
  }

  end(requestBytes: number): void {
    this.#requests -= 1
    this.#bytes -= requestBytes
    if (this.#requests === 0) for (const listener of this.#emptyListeners.splice(0)) listener()
    const { maxRequestsInFlight, maxRequestBytesInFlight } = this.#limits
    const requestsAreFew = this.#requests <= maxRequestsInFlight * RESUME_SHARE
    if (requestsAreFew && this.#bytes <= maxRequestBytesInFlight * RESUME_SHARE) this.#gate.open('requests-in-flight')
  }

  /** Calls back once when nothing is in flight; at once when that is so now. */
  onEmpty(listener: () => void): void {
    if (this.#requests === 0) listener()
    else this.#emptyListeners.push(listener)
  }
}
