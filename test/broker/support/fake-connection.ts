import { remoteAddress } from '../../../lib/net/address.ts'
import type { Connection, OutgoingRequest } from '../../../lib/net/connection.ts'

/** A connection that only remembers: what was sent oneway, and who wants to know of its end. */
export class FakeConnection implements Connection {
  static #ids = 0
  readonly id = ++FakeConnection.#ids
  readonly remote = remoteAddress('127.0.0.1', 40_000 + this.id)
  readonly local = remoteAddress('127.0.0.1', 10_911)
  readonly sent: OutgoingRequest[] = []
  closed = false
  backlogBytes = 0
  readonly #listeners: (() => void)[] = []

  get outbox(): never {
    throw new Error('a fake connection has no outbox')
  }

  send(command: OutgoingRequest): void {
    this.sent.push(command)
  }

  request(): Promise<never> {
    return Promise.reject(new Error('a fake connection answers nothing'))
  }

  oneway(command: OutgoingRequest): void {
    this.sent.push(command)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const listener of this.#listeners) listener()
  }

  onClose(listener: () => void): void {
    if (this.closed) listener()
    else this.#listeners.push(listener)
  }

  begin(): void {}
  end(): void {}
}
