import { type Command, Option } from 'commander'
import type { ClientTlsOptions } from '../client/index.ts'

/** What the options of `addTlsOptions` were given. */
export interface TlsFlags {
  readonly tls?: boolean
  readonly tlsInsecure?: boolean
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsKeyPassword?: string
}

/** Options of commands that dial servers. */
export const addTlsOptions = (command: Command): Command =>
  command
    .option('--tls', 'connect with TLS')
    .option('--tls-ca <file>', 'trust servers whose certificate is by an issuer in this PEM file; implies --tls')
    .option('--tls-insecure', 'trust any server, for example one with a self-signed certificate; implies --tls')
    .option('--tls-cert <file>', 'own certificate, PEM; implies --tls')
    .option('--tls-key <file>', 'its private key, PEM')
    .addOption(new Option('--tls-key-password <text>', 'password of the key').env('APOGEEMQ_TLS_KEY_PASSWORD'))

/** The client's option `tls`. */
export const tlsOf = (flags: TlsFlags): boolean | ClientTlsOptions => {
  const { tls = false, tlsInsecure = false, tlsCa, tlsCert, tlsKey, tlsKeyPassword } = flags
  if (!tls && !tlsInsecure && tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return false
  return {
    verifyServer: !tlsInsecure,
    ...(tlsCa === undefined ? {} : { caPath: tlsCa }),
    ...(tlsCert === undefined ? {} : { certPath: tlsCert }),
    ...(tlsKey === undefined ? {} : { keyPath: tlsKey }),
    ...(tlsKeyPassword === undefined ? {} : { keyPassword: tlsKeyPassword }),
  }
}
