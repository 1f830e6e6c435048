import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import type { Logger } from '../../../lib/base/logging.ts'
import { silentLogger } from '../../../lib/base/logging.ts'
import { RemotingClient } from '../../../lib/net/client.ts'
import { ClientTls } from '../../../lib/net/tls/client-tls.ts'
import { ServerTls } from '../../../lib/net/tls/server-tls.ts'
import type { TlsValues } from '../../../lib/net/tls/tls-keys.ts'
import { readTlsSettings, tlsModeOf } from '../../../lib/net/tls/tls-settings.ts'

/** Keys that are set. */
export type TlsProperties = Readonly<Record<string, string>>

export const valuesOf = (properties: TlsProperties): TlsValues => properties as unknown as TlsValues

/** The TLS side of a server; stops when it goes out of scope. */
export const serverTls = async (
  properties: TlsProperties = {},
  { clock = systemClock, logger = silentLogger }: { clock?: Clock; logger?: Logger } = {},
) => {
  const values = valuesOf(properties)
  const tls = await ServerTls.start({
    mode: tlsModeOf(values),
    settings: () => readTlsSettings(values),
    clock,
    logger,
  })
  return Object.assign(tls, { [Symbol.dispose]: () => tls.stop() })
}

/** A client that speaks TLS as the keys say. */
export const secureClient = (properties: TlsProperties = {}) => {
  const tls = new ClientTls(async () => (await readTlsSettings(valuesOf(properties))).client)
  const client = new RemotingClient({ clock: systemClock, logger: silentLogger, tls })
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.stop() })
}

/** A client that does not. */
export const plainClient = () => {
  const client = new RemotingClient({ clock: systemClock, logger: silentLogger })
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.stop() })
}

/** Node's own TLS client; resolves when the handshake is done. */
export const secureSocket = async (port: number, options: ConnectionOptions = {}): Promise<TLSSocket> => {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  return socket
}

/** A folder that goes with the test. */
export const folder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'apogee-tls-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
