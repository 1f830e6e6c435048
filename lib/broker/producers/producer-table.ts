import type { Clock, TimerHandle } from '../../base/clock.ts'
import { CLIENT_SCAN_MS, type ClientIdentity, type Member, Membership } from '../clients.ts'
import { MAX_GROUPS } from '../groups/group-table.ts'

/** Producers that are connected. */
export class ProducerTable {
  readonly #membership: Membership
  readonly #scan: TimerHandle

  constructor(clock: Clock) {
    this.#membership = new Membership(clock, () => undefined)
    this.#scan = clock.every(CLIENT_SCAN_MS, () => this.#membership.expire())
  }

  groups(): Iterable<string> {
    return this.#membership.groups()
  }

  /** Members of a group, one per connection; none when the group has no producer. */
  members(group: string): Member[] {
    return [...this.#membership.members(group).values()]
  }

  /** Takes in what a heartbeat says. Names have been checked. */
  register(client: ClientIdentity, group: string): void {
    const full = this.#membership.groupCount >= MAX_GROUPS && this.#membership.members(group).size === 0
    if (!full) this.#membership.add(group, client)
  }

  unregister(client: ClientIdentity, group: string): void {
    this.#membership.remove(group, client.connection)
  }

  stop(): void {
    this.#scan.cancel()
  }
}
