import { isIP } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import type { OnBytes } from '../receive.ts'
import { readIdentity, readIssuers } from './identity.ts'
import type { TlsClientSettings } from './tls-settings.ts'

/** TLS of dialled connections. Files are read at each dial, so that renewed ones count from the next connection on. */
export class ClientTls {
  readonly #settings: () => Promise<TlsClientSettings>

  constructor(settings: () => Promise<TlsClientSettings>) {
    this.#settings = settings
  }

  /**
   * Reads and checks the files.
   * @throws {NetError} `NET_TLS_CONFIG_INVALID`, `NET_TLS_FILE_INVALID`
   */
  async options(): Promise<ConnectionOptions> {
    const { verifyServer, trustCertPath, identity, serverName } = await this.#settings()
    const own = identity === undefined ? {} : await readIdentity(identity)
    const issuers = await readIssuers(verifyServer, trustCertPath)
    return {
      ...own,
      ...issuers,
      rejectUnauthorized: verifyServer,
      // Brokers are known by addresses that their certificates do not name; as in Java the issuer alone counts.
      checkServerIdentity: (_, certificate) =>
        serverName === undefined ? undefined : checkServerIdentity(serverName, certificate),
      ...(serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName }),
    }
  }
}

/** Dials; `secureConnect` tells that the handshake is done and the server is who it should be. */
export const dialSecurely = (
  to: { host: string; port: number },
  options: ConnectionOptions,
  onBytes: OnBytes,
): TLSSocket => connect({ ...options, ...to }).on('data', (chunk: Buffer) => onBytes(chunk, chunk.length))
