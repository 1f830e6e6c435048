import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import { errorText } from '../../base/errors.ts'
import { NetError } from '../net-error.ts'
import type { IdentityFiles } from './tls-settings.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

const invalid = (what: string, path: string, why: string, cause?: unknown): NetError =>
  new NetError('NET_TLS_FILE_INVALID', `${what} ${path}: ${why}`, cause === undefined ? {} : { cause })

const read = async (what: string, path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw invalid(what, path, `cannot be read: ${errorText(cause)}`, cause)
  }
}

const certificatesOf = (what: string, path: string, text: string): X509Certificate[] => {
  const blocks = text.match(CERTIFICATE) ?? []
  if (blocks.length === 0) throw invalid(what, path, 'has no certificate in PEM form')
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (cause) {
    throw invalid(what, path, `is no X.509 certificate: ${errorText(cause)}`, cause)
  }
}

const keyOf = (path: string, text: string, password: string | undefined): KeyObject => {
  try {
    return createPrivateKey({ key: text, ...(password === undefined ? {} : { passphrase: password }) })
  } catch (cause) {
    const hint = password === undefined ? '' : ', or its password is another'
    throw invalid('private key', path, `is no private key in PEM form${hint}: ${errorText(cause)}`, cause)
  }
}

/**
 * Reads a certificate with its key and checks that they belong together.
 * @throws {NetError} `NET_TLS_FILE_INVALID`, naming the file
 */
export const readIdentity = async ({
  certPath,
  keyPath,
  keyPassword,
}: IdentityFiles): Promise<SecureContextOptions> => {
  const [cert, key] = await Promise.all([read('certificate', certPath), read('private key', keyPath)])
  const own = certificatesOf('certificate', certPath, cert)[0]!
  if (!own.checkPrivateKey(keyOf(keyPath, key, keyPassword))) {
    throw invalid('certificate', certPath, `is not for the private key ${keyPath}`)
  }
  return { cert, key, ...(keyPassword === undefined ? {} : { passphrase: keyPassword }) }
}

/**
 * Reads the certificates of trusted issuers.
 * @throws {NetError} `NET_TLS_FILE_INVALID`, naming the file
 */
export const readTrusted = async (path: string): Promise<string> => {
  const text = await read('trusted certificates', path)
  certificatesOf('trusted certificates', path, text)
  return text
}

/**
 * What decides whom to trust: `ca` for TLS. Where nobody's certificate is verified no issuer is loaded at all.
 * @throws {NetError} `NET_TLS_FILE_INVALID`
 */
export const readIssuers = async (
  verify: boolean,
  trustCertPath: string | undefined,
): Promise<SecureContextOptions> => {
  if (!verify) return { ca: [] }
  return trustCertPath === undefined ? {} : { ca: await readTrusted(trustCertPath) }
}
