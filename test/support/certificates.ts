import { createPrivateKey, webcrypto } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Integer, Utf8String } from 'asn1js'
import {
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  CryptoEngine,
  Extension,
  GeneralName,
  GeneralNames,
} from 'pkijs'

const DAY_MS = 86_400_000
const engine = new CryptoEngine({ name: 'node', crypto: webcrypto })
let lastSerial = 1

/** A certificate and its key, PEM. */
export interface Issued {
  readonly cert: string
  readonly key: string
  readonly certificate: Certificate
  readonly privateKey: webcrypto.CryptoKey
}

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${(
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END ${label}-----\n`

const nameOf = (commonName: string) =>
  new AttributeTypeAndValue({ type: '2.5.4.3', value: new Utf8String({ value: commonName }) })

/** A certificate for a name, by an issuer or, without one, by itself and able to issue others. */
export const issue = async (
  commonName: string,
  options: { readonly issuer?: Issued; readonly expired?: boolean } = {},
): Promise<Issued> => {
  const { issuer, expired = false } = options
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = new Certificate({ version: 2, serialNumber: new Integer({ value: ++lastSerial }) })
  certificate.subject.typesAndValues.push(nameOf(commonName))
  if (issuer === undefined) certificate.issuer.typesAndValues.push(nameOf(commonName))
  else certificate.issuer = issuer.certificate.subject
  certificate.notBefore.value = new Date(Date.now() - 10 * DAY_MS)
  certificate.notAfter.value = new Date(Date.now() + (expired ? -1 : 1) * DAY_MS)
  const constraints = new BasicConstraints({ cA: issuer === undefined })
  const names = new GeneralNames({ names: [new GeneralName({ type: 2, value: commonName })] })
  certificate.extensions = [
    new Extension({ extnID: '2.5.29.19', critical: true, extnValue: constraints.toSchema().toBER(false) }),
    new Extension({ extnID: '2.5.29.17', extnValue: names.toSchema().toBER(false) }),
  ]
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey, engine)
  await certificate.sign((issuer ?? keys).privateKey, 'SHA-256', engine)
  return {
    cert: pem('CERTIFICATE', certificate.toSchema(true).toBER(false)),
    key: pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
    certificate,
    privateKey: keys.privateKey,
  }
}

/** Writes NAME.pem and NAME.key into a folder; the key encrypted when there is a password. */
export const writeIssued = async (
  folder: string,
  name: string,
  { cert, key }: Issued,
  password?: string,
): Promise<{ certPath: string; keyPath: string }> => {
  const certPath = join(folder, `${name}.pem`)
  const keyPath = join(folder, `${name}.key`)
  const sealed =
    password === undefined
      ? key
      : createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password })
  await writeFile(certPath, cert)
  await writeFile(keyPath, sealed)
  return { certPath, keyPath }
}
