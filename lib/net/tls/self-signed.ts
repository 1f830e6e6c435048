import { randomBytes, webcrypto } from 'node:crypto'

const DAY_MS = 86_400_000
/** Clocks of peers may be behind. */
const BACKDATED_MS = DAY_MS
const VALID_MS = 3_650 * DAY_MS
const COMMON_NAME = '2.5.4.3'
const SERIAL_BYTES = 8

/** A certificate with its key, both PEM. */
export interface PemIdentity {
  readonly cert: string
  readonly key: string
}

const pem = (label: string, der: ArrayBuffer): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * A certificate that nobody has a reason to trust, with a new P-256 key: encryption without authentication. Valid for
 * ten years.
 */
export const makeSelfSigned = async (commonName: string, nowMs: number): Promise<PemIdentity> => {
  // Loaded here because few servers need it.
  const [{ AttributeTypeAndValue, Certificate, CryptoEngine }, { Integer, Utf8String }] = await Promise.all([
    import('pkijs'),
    import('asn1js'),
  ])
  const engine = new CryptoEngine({ name: 'node', crypto: webcrypto })
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const serial = randomBytes(SERIAL_BYTES)
  // A positive number of full length.
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const certificate = new Certificate({ version: 2, serialNumber: new Integer({ valueHex: new Uint8Array(serial) }) })
  for (const name of [certificate.subject, certificate.issuer]) {
    name.typesAndValues.push(
      new AttributeTypeAndValue({ type: COMMON_NAME, value: new Utf8String({ value: commonName }) }),
    )
  }
  certificate.notBefore.value = new Date(nowMs - BACKDATED_MS)
  certificate.notAfter.value = new Date(nowMs + VALID_MS)
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey, engine)
  await certificate.sign(keys.privateKey, 'SHA-256', engine)
  return {
    cert: pem('CERTIFICATE', certificate.toSchema(true).toBER(false)),
    key: pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
  }
}
