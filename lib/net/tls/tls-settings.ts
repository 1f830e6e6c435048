import { readFile } from 'node:fs/promises'
import { parseProperties } from '../../base/properties-file.ts'
import { NetError } from '../net-error.ts'
import { isTlsKey, type TlsKey, type TlsValues } from './tls-keys.ts'

const DEFAULT_CONFIG_FILE = '/etc/rocketmq/tls.properties'

/**
 * What a server does about TLS on its ports: refuse it, offer it beside plain connections, or refuse plain connections.
 */
export type TlsMode = 'disabled' | 'permissive' | 'enforcing'
/** Whether clients are asked for a certificate, and whether they must have one. */
export type ClientAuth = 'none' | 'optional' | 'require'

/** A certificate with its key, as paths of PEM files. */
export interface IdentityFiles {
  readonly certPath: string
  readonly keyPath: string
  readonly keyPassword: string | undefined
}

/** TLS of the connections that a server accepts. */
export interface TlsServerSettings {
  /** Undefined: one is made. */
  readonly identity: IdentityFiles | undefined
  readonly clientAuth: ClientAuth
  /** Whether a client's certificate must come from a trusted issuer; without it any certificate will do. */
  readonly verifyClient: boolean
  /** PEM file of trusted issuers. Undefined: Node's own. */
  readonly trustCertPath: string | undefined
}

/** TLS of connections to servers. */
export interface TlsClientSettings {
  /** Whether the server's certificate must come from a trusted issuer; without it any certificate will do. */
  readonly verifyServer: boolean
  /** PEM file of trusted issuers. Undefined: Node's own. */
  readonly trustCertPath: string | undefined
  /** Shown to servers that ask for one. */
  readonly identity: IdentityFiles | undefined
  /** The name that the server's certificate must be for. Undefined: any; Java never looks. */
  readonly serverName?: string | undefined
}

/** Both sides' settings, and where they came from. */
export interface TlsSettings {
  readonly server: TlsServerSettings
  readonly client: TlsClientSettings
  /** The file of TLS keys that was read. */
  readonly configFile: string | undefined
}

const invalid = (sentence: string, cause?: unknown): NetError =>
  new NetError('NET_TLS_CONFIG_INVALID', sentence, cause === undefined ? {} : { cause })

const oneOf = <const W extends string>(name: TlsKey, words: readonly W[], value: string): W => {
  const word = words.find((candidate) => candidate === value.trim().toLowerCase())
  if (word === undefined) throw invalid(`${name} cannot be ${value}; it is one of ${words.join(', ')}`)
  return word
}

const flagOf = (name: TlsKey, value: string | undefined): boolean | undefined =>
  value === undefined || value.trim() === '' ? undefined : oneOf(name, ['true', 'false'], value) === 'true'

const textOf = (value: string | undefined): string | undefined =>
  value === undefined || value.trim() === '' ? undefined : value.trim()

/**
 * What a server does about TLS on its ports. Java takes an unknown word for permissive; here a slip of the pen does not
 * open the port.
 * @throws {NetError} `NET_TLS_CONFIG_INVALID`
 */
export const tlsModeOf = (values: TlsValues): TlsMode =>
  oneOf('tls.server.mode', ['disabled', 'permissive', 'enforcing'], textOf(values['tls.server.mode']) ?? 'permissive')

/**
 * Whether own connections use TLS. As for Java's broker, by default exactly when the mode is enforcing.
 * @throws {NetError} `NET_TLS_CONFIG_INVALID`
 */
export const usesTlsAsClient = (values: TlsValues): boolean =>
  flagOf('tls.enable', values['tls.enable']) ?? tlsModeOf(values) === 'enforcing'

/** The keys with those of the configuration file laid over them; mode and `tls.enable` are not taken from there. */
const withConfigFile = async (values: TlsValues): Promise<{ values: TlsValues; configFile: string | undefined }> => {
  const configured = textOf(values['tls.config.file'])
  const path = configured ?? DEFAULT_CONFIG_FILE
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (configured === undefined) return { values, configFile: undefined }
    throw invalid(`tls.config.file: ${path} cannot be read`, cause)
  }
  const fixed: readonly string[] = ['tls.server.mode', 'tls.enable', 'tls.config.file']
  const laid = [...parseProperties(text)].filter(([name]) => isTlsKey(name) && !fixed.includes(name))
  return { values: { ...values, ...Object.fromEntries(laid) }, configFile: path }
}

const identityOf = (values: TlsValues, side: 'server' | 'client'): IdentityFiles | undefined => {
  const certPath = textOf(values[`tls.${side}.certPath`])
  const keyPath = textOf(values[`tls.${side}.keyPath`])
  if (certPath === undefined && keyPath === undefined) return undefined
  if (certPath === undefined) throw invalid(`tls.${side}.keyPath is set and tls.${side}.certPath is not`)
  if (keyPath === undefined) throw invalid(`tls.${side}.certPath is set and tls.${side}.keyPath is not`)
  return { certPath, keyPath, keyPassword: values[`tls.${side}.keyPassword`] }
}

/** With `isTest` the certificate is one made at the first connection, and clients are not asked for theirs. */
const serverOf = (values: TlsValues, isTest: boolean | undefined): TlsServerSettings => {
  const identity = identityOf(values, 'server')
  const needed = textOf(values['tls.server.need.client.auth']) ?? 'none'
  const clientAuth = oneOf('tls.server.need.client.auth', ['none', 'optional', 'require'], needed)
  const verifyClient = flagOf('tls.server.authClient', values['tls.server.authClient']) ?? false
  const trustCertPath = textOf(values['tls.server.trustCertPath'])
  if (isTest === true) return { identity: undefined, clientAuth: 'none', verifyClient: false, trustCertPath: undefined }
  if (identity === undefined && isTest === false) {
    throw invalid('tls.test.mode.enable is false, so tls.server.certPath and tls.server.keyPath must be set')
  }
  return { identity, clientAuth, verifyClient, trustCertPath }
}

/** With `isTest` every server is trusted and no certificate shown. */
const clientOf = (values: TlsValues, isTest: boolean | undefined): TlsClientSettings => {
  if (isTest === true) return { verifyServer: false, trustCertPath: undefined, identity: undefined }
  return {
    verifyServer: flagOf('tls.client.authServer', values['tls.client.authServer']) ?? false,
    trustCertPath: textOf(values['tls.client.trustCertPath']),
    identity: identityOf(values, 'client'),
  }
}

/**
 * The settings that the keys mean, with those of `tls.config.file`. Where `tls.test.mode.enable` is not set, what is
 * configured counts and only what is missing is as in Java's test mode; Java takes it for true, and then silently
 * ignores every file that is configured.
 * @throws {NetError} `NET_TLS_CONFIG_INVALID`
 */
export const readTlsSettings = async (given: TlsValues): Promise<TlsSettings> => {
  const { values, configFile } = await withConfigFile(given)
  const isTest = flagOf('tls.test.mode.enable', values['tls.test.mode.enable'])
  return { server: serverOf(values, isTest), client: clientOf(values, isTest), configFile }
}
