import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import type { NetError } from '../../../lib/net/net-error.ts'
import { makeSelfSigned } from '../../../lib/net/tls/self-signed.ts'
import { issue, writeIssued } from '../../support/certificates.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { echo, echoHandler, serve } from '../net-harness.ts'
import { folder, secureClient, secureSocket, serverTls, type TlsProperties } from './tls-harness.ts'

const ca = await issue('test-ca')
const serverCert = await issue('broker.test', { issuer: ca })
const clientCert = await issue('client.test', { issuer: ca })
const stranger = await issue('stranger')

/** A folder with certificates in it. */
const certificates = async () => {
  const dir = await folder()
  const server = await writeIssued(dir.path, 'server', serverCert)
  const client = await writeIssued(dir.path, 'client', clientCert)
  const unknown = await writeIssued(dir.path, 'stranger', stranger)
  const trusted = join(dir.path, 'ca.pem')
  await writeFile(trusted, ca.cert)
  return { ...dir, path: dir.path, server, client, unknown, trusted }
}

const serverKeys = ({ certPath, keyPath }: { certPath: string; keyPath: string }): TlsProperties => ({
  'tls.server.certPath': certPath,
  'tls.server.keyPath': keyPath,
})
const clientKeys = ({ certPath, keyPath }: { certPath: string; keyPath: string }): TlsProperties => ({
  'tls.client.certPath': certPath,
  'tls.client.keyPath': keyPath,
})

/** The echo of one request, or the code of what went wrong. */
const ask = async (address: string, properties: TlsProperties): Promise<string> => {
  await using client = secureClient(properties)
  return await client.invoke(address, echo, { text: 'ok' }).then(
    ({ header }) => header.text ?? '',
    (error: NetError) => error.code,
  )
}

test('the certificate made without one is valid by its own key for years', async () => {
  const { cert, key } = await makeSelfSigned('apogeemq', Date.now())
  const certificate = new X509Certificate(cert)
  ok(certificate.verify(certificate.publicKey))
  equal(certificate.subject, 'CN=apogeemq')
  match(key, /BEGIN PRIVATE KEY/)
  ok(new Date(certificate.validFrom).getTime() < Date.now())
  ok(new Date(certificate.validTo).getTime() > Date.now() + 9 * 365 * 86_400_000)
  const another = new X509Certificate((await makeSelfSigned('apogeemq', Date.now())).cert)
  ok(another.serialNumber !== certificate.serialNumber)
})

test('a client that verifies lets in servers of the issuer it trusts, and no others', async () => {
  await using dir = await certificates()
  const verifying = { 'tls.client.authServer': 'true', 'tls.client.trustCertPath': dir.trusted }
  for (const [keys, expected] of [
    [serverKeys(dir.server), 'ok'],
    [serverKeys(dir.unknown), 'NET_TLS_FAILED'],
    [{}, 'NET_TLS_FAILED'],
  ] as const) {
    using tls = await serverTls(keys)
    await using running = await serve([echoHandler], { tls })
    equal(await ask(running.address, verifying), expected)
    equal(await ask(running.address, {}), 'ok')
  }
})

test('an expired certificate is refused by a client that verifies, with the reason', async () => {
  await using dir = await certificates()
  const expired = await writeIssued(dir.path, 'old', await issue('broker.test', { issuer: ca, expired: true }))
  using tls = await serverTls(serverKeys(expired))
  await using running = await serve([echoHandler], { tls })
  await using client = secureClient({ 'tls.client.authServer': 'true', 'tls.client.trustCertPath': dir.trusted })
  await rejects(client.invoke(running.address, echo, { text: 'x' }), { code: 'NET_TLS_FAILED', message: /expired/ })
})

test('who is asked for a certificate, and whose is taken', async () => {
  await using dir = await certificates()
  const [known, unknown] = [clientKeys(dir.client), clientKeys(dir.unknown)]
  for (const [need, verify, answers] of [
    ['none', true, { nobody: 'ok', unknown: 'ok', known: 'ok' }],
    ['optional', false, { nobody: 'ok', unknown: 'ok', known: 'ok' }],
    ['optional', true, { nobody: 'ok', unknown: 'NET_CLOSED', known: 'ok' }],
    ['require', false, { nobody: 'NET_CLOSED', unknown: 'ok', known: 'ok' }],
    ['require', true, { nobody: 'NET_CLOSED', unknown: 'NET_CLOSED', known: 'ok' }],
  ] as const) {
    using tls = await serverTls({
      ...serverKeys(dir.server),
      'tls.server.need.client.auth': need,
      'tls.server.authClient': String(verify),
      'tls.server.trustCertPath': dir.trusted,
    })
    await using running = await serve([echoHandler], { tls })
    const asked = {
      nobody: await ask(running.address, {}),
      unknown: await ask(running.address, unknown),
      known: await ask(running.address, known),
    }
    deepEqual(asked, answers, `${need}, verified ${verify}`)
    equal(tls.handshakes, 0)
  }
})

test('a key with a password is read with it', async () => {
  await using dir = await certificates()
  const sealed = await writeIssued(dir.path, 'sealed', serverCert, 'open sesame')
  using tls = await serverTls({ ...serverKeys(sealed), 'tls.server.keyPassword': 'open sesame' })
  await using running = await serve([echoHandler], { tls })
  equal(await ask(running.address, {}), 'ok')
  await rejects(serverTls({ ...serverKeys(sealed), 'tls.server.keyPassword': 'wrong' }), {
    code: 'NET_TLS_FILE_INVALID',
    message: /sealed\.key.*or its password is another/,
  })
})

test('files that are no good keep a server from starting, each with its name and reason', async () => {
  await using dir = await certificates()
  const garbage = join(dir.path, 'garbage.pem')
  await writeFile(garbage, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  const nothing = join(dir.path, 'nothing.pem')
  await writeFile(nothing, 'no PEM here')
  const { certPath, keyPath } = dir.server
  for (const [keys, words] of [
    [{ certPath: join(dir.path, 'absent.pem'), keyPath }, /absent\.pem: cannot be read: ENOENT/],
    [{ certPath: garbage, keyPath }, /garbage\.pem: is no X\.509 certificate/],
    [{ certPath: nothing, keyPath }, /nothing\.pem: has no certificate/],
    [{ certPath, keyPath: nothing }, /private key .*nothing\.pem: is no private key/],
    [{ certPath, keyPath: dir.client.keyPath }, /server\.pem: is not for the private key .*client\.key/],
  ] as const) {
    await rejects(serverTls(serverKeys(keys)), { code: 'NET_TLS_FILE_INVALID', message: words })
  }
  const verifying = { 'tls.server.need.client.auth': 'require', 'tls.server.authClient': 'true' }
  await rejects(serverTls({ ...serverKeys(dir.server), ...verifying, 'tls.server.trustCertPath': nothing }), {
    code: 'NET_TLS_FILE_INVALID',
    message: /trusted certificates .*nothing\.pem/,
  })
})

test('files of a client that are no good fail its requests with their name', async () => {
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls })
  await using client = secureClient({ 'tls.client.authServer': 'true', 'tls.client.trustCertPath': '/absent.pem' })
  await rejects(client.invoke(running.address, echo, { text: 'x' }), {
    code: 'NET_TLS_FILE_INVALID',
    message: /\/absent\.pem/,
  })
})

const servedBy = async (port: number): Promise<string | undefined> => {
  const socket = await secureSocket(port)
  const subject = socket.getPeerX509Certificate()?.subject
  socket.destroy()
  return subject
}

test('a renewed certificate is used for new connections, and those that stand go on', async () => {
  await using dir = await certificates()
  using tls = await serverTls(serverKeys(dir.server))
  await using running = await serve([echoHandler], { tls })
  await using client = secureClient()
  await client.invoke(running.address, echo, { text: 'before' })
  equal(await servedBy(running.port), 'CN=broker.test')
  const renewed = await writeIssued(dir.path, 'renewed', await issue('renewed.test', { issuer: ca }))
  await rename(renewed.keyPath, dir.server.keyPath)
  await rename(renewed.certPath, dir.server.certPath)
  await tls.lookAtFiles()
  equal(await servedBy(running.port), 'CN=renewed.test')
  equal((await client.invoke(running.address, echo, { text: 'after' })).header.text, 'after')
})

test('half of a renewal, or one that is no good, leaves the certificate that was there', async () => {
  await using dir = await certificates()
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: unknown, message: string) => void warnings.push(message) }
  using tls = await serverTls(serverKeys(dir.server), { logger })
  await using running = await serve([echoHandler], { tls })
  const renewed = await writeIssued(dir.path, 'renewed', await issue('renewed.test', { issuer: ca }))
  await rename(renewed.certPath, dir.server.certPath)
  await tls.lookAtFiles()
  equal(await servedBy(running.port), 'CN=broker.test')
  match(warnings.join(), /stay as they were: .*is not for the private key/)
  await rm(dir.server.certPath)
  await tls.lookAtFiles()
  equal(await servedBy(running.port), 'CN=broker.test')
  await symlink(join(dir.path, 'stranger.pem'), dir.server.certPath)
  await rename(join(dir.path, 'stranger.key'), dir.server.keyPath)
  await tls.lookAtFiles()
  equal(await servedBy(running.port), 'CN=stranger')
})

test('a change of tls.config.file is followed to the files it names', async () => {
  await using dir = await certificates()
  const file = join(dir.path, 'tls.properties')
  const name = (at: { certPath: string; keyPath: string }) =>
    Object.entries(serverKeys(at))
      .map(([key, value]) => `${key}=${value}\n`)
      .join('')
  await writeFile(file, name(dir.server))
  using tls = await serverTls({ 'tls.config.file': file })
  await using running = await serve([echoHandler], { tls })
  equal(await servedBy(running.port), 'CN=broker.test')
  await writeFile(file, name(dir.unknown))
  await tls.lookAtFiles()
  equal(await servedBy(running.port), 'CN=stranger')
})

test('files are looked at every second', async () => {
  await using dir = await certificates()
  const clock = new ManualClock()
  using tls = await serverTls(serverKeys(dir.server), { clock })
  await using running = await serve([echoHandler], { tls })
  const renewed = await writeIssued(dir.path, 'renewed', await issue('renewed.test', { issuer: ca }))
  await rename(renewed.keyPath, dir.server.keyPath)
  await rename(renewed.certPath, dir.server.certPath)
  clock.advance(999)
  equal(await servedBy(running.port), 'CN=broker.test')
  clock.advance(1)
  await waitFor('the renewed one', async () => (await servedBy(running.port)) === 'CN=renewed.test')
})

test('a server that answers a handshake with something else is no TLS', async () => {
  const other = createServer(
    (socket) => void socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  )
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  equal(await ask(`127.0.0.1:${port}`, {}), 'NET_TLS_FAILED')
  other.close()
})
