import { once } from 'node:events'
import type { Server } from 'node:net'
import { errorText } from '../base/errors.ts'
import type { Logger } from '../base/logging.ts'
import { remoteAddress } from './address.ts'
import type { RemoteAddress } from './connection.ts'
import { NetError } from './net-error.ts'

/** Where to listen. */
export interface ListenAt {
  /** Default: every address of this machine, IPv6 and IPv4. */
  readonly host?: string | undefined
  /** 0 takes any free port. */
  readonly port: number
  /** Connections the system holds before they are accepted. Default: Node's. */
  readonly backlog?: number | undefined
}

/**
 * Makes a server listen; what goes wrong with it afterwards is logged.
 * @returns the address bound, with the port chosen when 0 was asked for
 * @throws {NetError} `NET_PORT_IN_USE`, `NET_LISTEN_FAILED`, naming host and port
 */
export const listen = async (server: Server, at: ListenAt, logger: Logger): Promise<RemoteAddress> => {
  const { host, port, backlog } = at
  const where = `${host ?? '*'}:${port}`
  try {
    server.listen({ ...(host === undefined ? {} : { host }), port, ...(backlog === undefined ? {} : { backlog }) })
    await once(server, 'listening')
  } catch (cause) {
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const message = inUse ? `${where} is already in use` : `cannot listen on ${where}: ${errorText(cause)}`
    throw new NetError(inUse ? 'NET_PORT_IN_USE' : 'NET_LISTEN_FAILED', message, { cause })
  }
  server.on('error', (error) => logger.error({ error }, `listener ${where} failed`))
  const bound = server.address() as { address: string; port: number }
  return remoteAddress(bound.address, bound.port)
}
