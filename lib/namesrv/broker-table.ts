import type { BrokerData } from '../protocol/bodies/topic-route.ts'

interface BrokerGroup {
  readonly cluster: string
  readonly addresses: Map<number, string>
}

/** Addresses of brokers by name and id, and names by cluster. A name without an address is in neither. */
export class BrokerTable {
  readonly #groups = new Map<string, BrokerGroup>()
  readonly #clusters = new Map<string, Set<string>>()

  get names(): Iterable<string> {
    return this.#groups.keys()
  }

  /** Names of all clusters together; a name that was registered in two clusters counts twice. */
  get size(): number {
    let size = 0
    for (const names of this.#clusters.values()) size += names.size
    return size
  }

  has(cluster: string, brokerName: string): boolean {
    return this.#clusters.get(cluster)?.has(brokerName) === true
  }

  /**
   * Enters an address. One address has one id per name: a slave that became master leaves its old id.
   * @returns whether nobody had this id of this name before
   */
  put(cluster: string, brokerName: string, brokerId: number, address: string): boolean {
    const names = this.#clusters.get(cluster)
    if (names === undefined) this.#clusters.set(cluster, new Set([brokerName]))
    else names.add(brokerName)
    let group = this.#groups.get(brokerName)
    if (group === undefined) {
      group = { cluster, addresses: new Map() }
      this.#groups.set(brokerName, group)
    }
    for (const [id, known] of group.addresses) if (known === address && id !== brokerId) group.addresses.delete(id)
    const isNew = !group.addresses.has(brokerId)
    group.addresses.set(brokerId, address)
    return isNew
  }

  address(brokerName: string, brokerId: number): string | undefined {
    return this.#groups.get(brokerName)?.addresses.get(brokerId)
  }

  /** Removes the id of a name. Returns true when that was the name's last one, and the name is gone. */
  removeId(brokerName: string, brokerId: number): boolean {
    const group = this.#groups.get(brokerName)
    group?.addresses.delete(brokerId)
    return this.#dropIfEmpty(brokerName)
  }

  /** Removes an address under all names. Returns the names that are gone with it. */
  removeAddress(address: string): string[] {
    const gone: string[] = []
    for (const [brokerName, { addresses }] of this.#groups) {
      for (const [id, known] of addresses) if (known === address) addresses.delete(id)
      if (this.#dropIfEmpty(brokerName)) gone.push(brokerName)
    }
    return gone
  }

  /** A copy of what is known of a name, ids ascending. */
  data(brokerName: string): BrokerData | undefined {
    const group = this.#groups.get(brokerName)
    if (group === undefined) return undefined
    const brokerAddrs = new Map([...group.addresses].sort(([a], [b]) => a - b))
    return { cluster: group.cluster, brokerName, brokerAddrs }
  }

  /** Broker names by cluster, copied. */
  clusters(): Map<string, string[]> {
    return new Map([...this.#clusters].map(([cluster, names]) => [cluster, [...names]]))
  }

  #dropIfEmpty(brokerName: string): boolean {
    const group = this.#groups.get(brokerName)
    if (group === undefined || group.addresses.size > 0) return false
    this.#groups.delete(brokerName)
    for (const [cluster, names] of this.#clusters) {
      names.delete(brokerName)
      if (names.size === 0) this.#clusters.delete(cluster)
    }
    return true
  }
}
