/** Why reading from a peer stops. */
export type PauseReason = 'backlog' | 'requests-in-flight' | 'stopping'

const BITS: Readonly<Record<PauseReason, number>> = { backlog: 1, 'requests-in-flight': 2, stopping: 4 }

/** What is paused and resumed. */
export interface Pausable {
  pause(): unknown
  resume(): unknown
}

/** Lets bytes in while no reason stands against it. */
export class ReadGate {
  readonly #source: Pausable
  #reasons = 0

  constructor(source: Pausable) {
    this.#source = source
  }

  get isOpen(): boolean {
    return this.#reasons === 0
  }

  isClosedFor(reason: PauseReason): boolean {
    return (this.#reasons & BITS[reason]) !== 0
  }

  close(reason: PauseReason): void {
    if (this.#reasons === 0) this.#source.pause()
    this.#reasons |= BITS[reason]
  }

  open(reason: PauseReason): void {
    if (!this.isClosedFor(reason)) return
    this.#reasons &= ~BITS[reason]
    if (this.#reasons === 0) this.#source.resume()
  }
}

/** Reading resumes when a limit that paused it is used by no more than this share. */
export const RESUME_SHARE = 0.5
