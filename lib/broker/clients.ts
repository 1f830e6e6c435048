import type { Clock } from '../base/clock.ts'
import type { Connection } from '../net/connection.ts'

/** Silence after which a client is taken out of its groups. */
export const CLIENT_EXPIRY_MS = 120_000
/** Time between looks for silent clients. */
export const CLIENT_SCAN_MS = 10_000

/** Longest client id, in UTF-16 units: ids are kept. Java's have some 40. */
export const MAX_CLIENT_ID_LENGTH = 1024

/** Who a heartbeat came from. */
export interface ClientIdentity {
  readonly connection: Connection
  readonly clientId: string
  /** Language code of the client's headers; undefined when unknown. */
  readonly language: number | undefined
  /** Version ordinal of the client's headers. */
  readonly version: number
}

/** One client in one group. */
export interface Member extends ClientIdentity {
  /** Wall clock of the last heartbeat. */
  readonly updatedAtMs: number
  /** Monotonic clock of the last heartbeat. */
  readonly seenAtMs: number
}

const NOBODY: ReadonlyMap<Connection, Member> = new Map()

/**
 * Which clients are in which groups, by connection. A client leaves with `remove`, when its connection closes, or
 * after 120 s of silence; the owner is told of the groups it left without asking.
 */
export class Membership {
  readonly #clock: Clock
  readonly #left: (group: string) => void
  readonly #groups = new Map<string, Map<Connection, Member>>()
  readonly #groupsOf = new Map<Connection, Set<string>>()

  /** @param left called after a connection that closed or went silent was taken out of a group */
  constructor(clock: Clock, left: (group: string) => void) {
    this.#clock = clock
    this.#left = left
  }

  get groupCount(): number {
    return this.#groups.size
  }

  groups(): Iterable<string> {
    return this.#groups.keys()
  }

  members(group: string): ReadonlyMap<Connection, Member> {
    return this.#groups.get(group) ?? NOBODY
  }

  /** Adds or refreshes a client. True when the connection is new in the group. */
  add(group: string, client: ClientIdentity): boolean {
    let members = this.#groups.get(group)
    if (members === undefined) {
      members = new Map()
      this.#groups.set(group, members)
    }
    const isNew = !members.has(client.connection)
    members.set(client.connection, {
      ...client,
      updatedAtMs: this.#clock.nowMs(),
      seenAtMs: this.#clock.monotonicMs(),
    })
    if (isNew) this.#remember(group, client.connection)
    return isNew
  }

  /** Takes a client out of a group at its own wish. True when it was in it. */
  remove(group: string, connection: Connection): boolean {
    const members = this.#groups.get(group)
    if (members === undefined || !members.delete(connection)) return false
    if (members.size === 0) this.#groups.delete(group)
    const groups = this.#groupsOf.get(connection)
    groups?.delete(group)
    return true
  }

  /** Takes out everyone who was silent too long and closes their connections. */
  expire(): void {
    const oldestMs = this.#clock.monotonicMs() - CLIENT_EXPIRY_MS
    const silent = new Set<Connection>()
    for (const [group, members] of [...this.#groups]) {
      let anyLeft = false
      for (const member of [...members.values()]) {
        if (member.seenAtMs >= oldestMs) continue
        silent.add(member.connection)
        anyLeft = this.remove(group, member.connection) || anyLeft
      }
      if (anyLeft) this.#left(group)
    }
    for (const connection of silent) connection.close('no heartbeat for 120 s')
  }

  #remember(group: string, connection: Connection): void {
    const groups = this.#groupsOf.get(connection)
    if (groups !== undefined) {
      groups.add(group)
      return
    }
    this.#groupsOf.set(connection, new Set([group]))
    connection.onClose(() => this.#forget(connection))
  }

  #forget(connection: Connection): void {
    const groups = this.#groupsOf.get(connection) ?? []
    for (const group of [...groups]) {
      if (this.remove(group, connection)) this.#left(group)
    }
    this.#groupsOf.delete(connection)
  }
}
