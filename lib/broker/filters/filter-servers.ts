import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { parseAddress } from '../../net/address.ts'
import type { Connection } from '../../net/connection.ts'
import { type Handler, handler, ResponseError } from '../../net/handler.ts'
import { registerFilterServer } from '../../protocol/commands/register-filter-server.ts'
import type { BrokerConfig } from '../config/broker-config.ts'

/** A filter server that says nothing for this long is gone. */
const MAX_IDLE_MS = 30_000
const SCAN_MS = 10_000
const MAX_ADDRESS_LENGTH = 255

/** What the table needs. */
export interface FilterServersOptions {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
}

interface Entry {
  readonly address: string
  seenAtMs: number
}

/**
 * Filter servers that pull from this broker, at most `filterServerNums`: 0, the default, takes none. Java starts that
 * many by itself; here they are started by hand.
 */
export class FilterServers {
  readonly #options: FilterServersOptions
  readonly #servers = new Map<Connection, Entry>()
  readonly #scan: TimerHandle
  #onChange: () => void = () => undefined

  constructor(options: FilterServersOptions) {
    this.#options = options
    this.#scan = options.clock.every(SCAN_MS, () => this.#expire())
  }

  /** host:port of each, as consumers are told by the route of a topic. */
  addresses(): string[] {
    return [...new Set([...this.#servers.values()].map(({ address }) => address))]
  }

  /** Called when one has come or gone. */
  set onChange(listener: () => void) {
    this.#onChange = listener
  }

  /** False when there is no room. */
  register(connection: Connection, address: string): boolean {
    const nowMs = this.#options.clock.monotonicMs()
    const known = this.#servers.get(connection)
    if (known?.address === address) {
      known.seenAtMs = nowMs
      return true
    }
    if (known === undefined && this.#servers.size >= this.#options.config.current.filter.maxServers) return false
    if (known === undefined) connection.onClose(() => this.#remove(connection, 'closed'))
    this.#servers.set(connection, { address, seenAtMs: nowMs })
    this.#options.logger.info({ address }, 'filter server registered')
    this.#onChange()
    return true
  }

  stop(): void {
    this.#scan.cancel()
  }

  #expire(): void {
    const silentSince = this.#options.clock.monotonicMs() - MAX_IDLE_MS
    for (const [connection, { seenAtMs }] of this.#servers) {
      if (seenAtMs < silentSince) this.#remove(connection, 'silent')
    }
  }

  #remove(connection: Connection, why: string): void {
    const gone = this.#servers.get(connection)
    if (gone === undefined) return
    this.#servers.delete(connection)
    this.#options.logger.warn({ address: gone.address, why }, 'filter server gone')
    this.#onChange()
  }
}

/** 301: a filter server registers. */
export const registerFilterServerHandler = (servers: FilterServers, config: BrokerConfig): Handler =>
  handler(registerFilterServer, ({ filterServerAddr }, { connection }) => {
    const { filter, identity } = config.current
    if (filter.maxServers === 0) {
      throw new ResponseError(
        'REQUEST_CODE_NOT_SUPPORTED',
        'filterServerNums is 0: this broker takes no filter servers',
      )
    }
    if (filterServerAddr.length > MAX_ADDRESS_LENGTH || !isAddress(filterServerAddr)) {
      throw new ResponseError('SYSTEM_ERROR', 'filterServerAddr is no host:port')
    }
    if (!servers.register(connection, filterServerAddr)) {
      throw new ResponseError('SYSTEM_ERROR', `the broker has its ${filter.maxServers} filter servers`)
    }
    return { brokerName: identity.brokerName, brokerId: identity.brokerId }
  })

const isAddress = (text: string): boolean => {
  try {
    parseAddress(text)
    return /^[\w.:%[\]-]+$/.test(text)
  } catch {
    return false
  }
}
