import { maybeText, type ValuesOf } from '../../base/config-key.ts'

const TLS = { own: true, hidden: true } as const

/**
 * Java's names for the settings of TLS. Java takes them as properties of the JVM (`-Dtls.server.mode=...`); here they are
 * keys of the configuration file. All but the first three may also stand in the file named by `tls.config.file`, which
 * then counts.
 */
export const tlsKeys = {
  'tls.server.mode': maybeText('disabled, permissive or enforcing; default permissive', TLS),
  'tls.enable': maybeText('own connections to name servers use TLS; default: when the mode is enforcing', TLS),
  'tls.config.file': maybeText('file with the keys below; default /etc/rocketmq/tls.properties when it is there', TLS),
  'tls.test.mode.enable': maybeText(
    'a self-signed certificate as server, any certificate accepted as client; default: unless a file is configured',
    TLS,
  ),
  'tls.server.need.client.auth': maybeText('certificates of clients: none, optional or require; default none', TLS),
  'tls.server.keyPath': maybeText('private key of the server, PEM', TLS),
  'tls.server.keyPassword': maybeText('password of that key', TLS),
  'tls.server.certPath': maybeText('certificate of the server and its chain, PEM', TLS),
  'tls.server.authClient': maybeText('certificates of clients must be trusted; default false', TLS),
  'tls.server.trustCertPath': maybeText("certificates trusted to issue clients' ones, PEM; default Node's", TLS),
  'tls.client.keyPath': maybeText('private key of own connections, PEM', TLS),
  'tls.client.keyPassword': maybeText('password of that key', TLS),
  'tls.client.certPath': maybeText('certificate of own connections and its chain, PEM', TLS),
  'tls.client.authServer': maybeText('certificates of servers must be trusted; default false', TLS),
  'tls.client.trustCertPath': maybeText("certificates trusted to issue servers' ones, PEM; default Node's", TLS),
} as const

export type TlsKey = keyof typeof tlsKeys
/** A value for each key that is set. */
export type TlsValues = ValuesOf<typeof tlsKeys>

export const isTlsKey = (name: string): name is TlsKey => Object.hasOwn(tlsKeys, name)
