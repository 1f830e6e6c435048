import type { StoreError } from './store-error.ts'

const NO_TICKET = -1
const TICKETS_PER_CALL = 64

interface Waiter {
  readonly resolve: (wasRead: boolean) => void
  readonly reject: (error: StoreError) => void
}

/** Who waits for reads on the store's threads, by the ticket that the addon gave. */
export class ReadTickets {
  readonly #waiters = new Map<number, Waiter>()
  readonly #taken = new Uint32Array(TICKETS_PER_CALL)

  /** Resolves with true when the ticket's reading has ended, with false when there is no ticket. */
  wait(ticket: number): Promise<boolean> {
    if (ticket === NO_TICKET) return Promise.resolve(false)
    return new Promise((resolve, reject) => this.#waiters.set(ticket, { resolve, reject }))
  }

  /** @param take fills in ended tickets and returns how many */
  settle(take: (tickets: Uint32Array) => number): void {
    for (let count = TICKETS_PER_CALL; count === TICKETS_PER_CALL; ) {
      count = take(this.#taken)
      for (const ticket of this.#taken.subarray(0, count)) {
        this.#waiters.get(ticket)?.resolve(true)
        this.#waiters.delete(ticket)
      }
    }
  }

  fail(error: StoreError): void {
    for (const { reject } of this.#waiters.values()) reject(error)
    this.#waiters.clear()
  }
}
