import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Connection } from '../../net/connection.ts'
import { CLIENT_SCAN_MS, type ClientIdentity, type Member, Membership } from '../clients.ts'
import { MAX_GROUPS } from '../groups/group-table.ts'

/** Producers that are connected. */
export class ProducerTable {
  readonly #membership: Membership
  readonly #scan: TimerHandle
  /** The newest connection of each client, and the client of each connection. */
  readonly #connections = new Map<string, Connection>()
  readonly #clientIds = new Map<Connection, string>()
  #turn = 0

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

  /**
   * A member to send something to, another each time; `busy` when every one has more than `maxBacklogBytes` that it did
   * not read yet, undefined when there is none.
   */
  available(group: string, maxBacklogBytes: number): Connection | 'busy' | undefined {
    const connections = [...this.#membership.members(group).keys()].filter(({ closed }) => !closed)
    if (connections.length === 0) return undefined
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER
    for (let tries = 0; tries < connections.length; tries++) {
      const connection = connections[(this.#turn + tries) % connections.length]!
      if (connection.backlogBytes <= maxBacklogBytes) return connection
    }
    return 'busy'
  }

  /** Takes in what a heartbeat says. Names have been checked. */
  register(client: ClientIdentity, group: string): void {
    const full = this.#membership.groupCount >= MAX_GROUPS && this.#membership.members(group).size === 0
    if (full) return
    this.#membership.add(group, client)
    this.#remember(client)
  }

  /** Where a client is reached, as long as its connection is open. */
  connectionOf(clientId: string): Connection | undefined {
    return this.#connections.get(clientId)
  }

  unregister(client: ClientIdentity, group: string): void {
    this.#membership.remove(group, client.connection)
  }

  stop(): void {
    this.#scan.cancel()
  }

  #remember({ clientId, connection }: ClientIdentity): void {
    const known = this.#clientIds.get(connection)
    if (known !== undefined && known !== clientId) this.#forget(connection)
    this.#clientIds.set(connection, clientId)
    this.#connections.set(clientId, connection)
    if (known === undefined) connection.onClose(() => this.#forget(connection))
  }

  #forget(connection: Connection): void {
    const clientId = this.#clientIds.get(connection)
    this.#clientIds.delete(connection)
    if (clientId !== undefined && this.#connections.get(clientId) === connection) this.#connections.delete(clientId)
  }
}
