import { type Clock, systemClock } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import { createLogger, type Logger } from '../base/logging.ts'
import { parseAddress } from '../net/address.ts'
import type { ClientTls } from '../net/tls/client-tls.ts'
import { validateGroup } from '../protocol/names.ts'
import { ClientError } from './client-error.ts'
import { type ClientTlsOptions, clientTls } from './tls-options.ts'

/** What producers and consumers have in common. */
export interface ClientOptions {
  /** Producer or consumer group: 1 to 255 characters of `%`, `|`, `a-z`, `A-Z`, `0-9`, `_`, `-`. */
  readonly group: string
  /** `host:port` of one or more name servers. When one fails the next is asked. */
  readonly nameServers: readonly string[]
  /** One request to a server, dialling included. Default 3,000 ms. */
  readonly requestTimeoutMs?: number
  /** How long `stop` waits for work in flight. Default 5,000 ms. */
  readonly drainTimeoutMs?: number
  /** TLS of all connections; true verifies servers by the issuers that Node trusts. Default false. */
  readonly tls?: boolean | ClientTlsOptions
  /** Default: warnings and errors to standard error, as JSON lines. */
  readonly logger?: Logger
  /** Source of time and timers. Default the machine's. */
  readonly clock?: Clock
}

/** Options with nothing left out. */
export type ClientSettings = Omit<Required<ClientOptions>, 'tls'> & { readonly tls: ClientTls | undefined }

/**
 * Fills in the defaults.
 * @throws {ClientError} `CLIENT_OPTION_INVALID`
 */
export const clientSettings = (options: ClientOptions): ClientSettings => {
  const {
    group,
    nameServers,
    requestTimeoutMs = 3_000,
    drainTimeoutMs = 5_000,
    clock = systemClock,
    tls = false,
  } = options
  const groupFault = validateGroup(group)
  if (groupFault !== undefined) throw new ClientError('CLIENT_OPTION_INVALID', groupFault)
  if (nameServers.length === 0) throw new ClientError('CLIENT_OPTION_INVALID', 'nameServers is empty')
  for (const address of nameServers) checkAddress(address)
  checkPositive('requestTimeoutMs', requestTimeoutMs)
  checkPositive('drainTimeoutMs', drainTimeoutMs)
  const logger = options.logger ?? createLogger({ level: 'warn' })
  return {
    group,
    nameServers: [...nameServers],
    requestTimeoutMs,
    drainTimeoutMs,
    clock,
    logger,
    tls: clientTls(tls),
  }
}

const checkAddress = (address: string): void => {
  try {
    parseAddress(address)
  } catch (cause) {
    throw new ClientError('CLIENT_OPTION_INVALID', `nameServers: ${errorText(cause)}`, { cause })
  }
}

/** @throws {ClientError} `CLIENT_OPTION_INVALID` */
export const checkPositive = (name: string, value: number): void => {
  if (!(value > 0)) throw new ClientError('CLIENT_OPTION_INVALID', `${name} must be more than 0, not ${value}`)
}
