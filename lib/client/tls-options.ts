import { ClientTls } from '../net/tls/client-tls.ts'
import { ClientError } from './client-error.ts'

/** TLS of a client's connections to name servers and brokers. Files are PEM and read at each connection. */
export interface ClientTlsOptions {
  /**
   * Whether servers must have a certificate by a trusted issuer. Default true; false takes any, as Java's clients do by
   * default: then nobody can listen, and anybody can pose as a server.
   */
  readonly verifyServer?: boolean
  /** File of trusted issuers. Default: those that Node trusts. */
  readonly caPath?: string
  /** Name that the certificate of every server must be for. Default: any; brokers are known by their addresses. */
  readonly serverName?: string
  /** File with the client's own certificate and its chain, for servers that ask for one. Needs `keyPath`. */
  readonly certPath?: string
  readonly keyPath?: string
  readonly keyPassword?: string
}

/**
 * What the option `tls` means.
 * @throws {ClientError} `CLIENT_OPTION_INVALID`
 */
export const clientTls = (option: boolean | ClientTlsOptions): ClientTls | undefined => {
  if (option === false) return undefined
  const { verifyServer = true, caPath, serverName, certPath, keyPath, keyPassword } = option === true ? {} : option
  if ((certPath === undefined) !== (keyPath === undefined)) {
    throw new ClientError('CLIENT_OPTION_INVALID', 'tls.certPath and tls.keyPath go together')
  }
  if (!verifyServer && (caPath !== undefined || serverName !== undefined)) {
    throw new ClientError('CLIENT_OPTION_INVALID', 'tls.caPath and tls.serverName say nothing without verifyServer')
  }
  const identity = certPath === undefined || keyPath === undefined ? undefined : { certPath, keyPath, keyPassword }
  const settings = { verifyServer, trustCertPath: caPath, serverName, identity }
  return new ClientTls(() => Promise.resolve(settings))
}
