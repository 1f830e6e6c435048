import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { NetError } from '../../../lib/net/net-error.ts'
import { readTlsSettings, tlsModeOf, usesTlsAsClient } from '../../../lib/net/tls/tls-settings.ts'
import { folder, type TlsProperties, valuesOf } from './tls-harness.ts'

const NOTHING = { identity: undefined, trustCertPath: undefined }
const identity = { certPath: '/c.pem', keyPath: '/k.pem', keyPassword: undefined }
const files = { 'tls.server.certPath': '/c.pem', 'tls.server.keyPath': '/k.pem' }

test('without any key a server offers TLS with a certificate of its own, and dials without', async () => {
  equal(tlsModeOf(valuesOf({})), 'permissive')
  equal(usesTlsAsClient(valuesOf({})), false)
  deepEqual(await readTlsSettings(valuesOf({})), {
    server: { ...NOTHING, clientAuth: 'none', verifyClient: false },
    client: { ...NOTHING, verifyServer: false },
    configFile: undefined,
  })
})

test('own connections use TLS when tls.enable says so, and otherwise when the mode is enforcing', () => {
  for (const [properties, expected] of [
    [{ 'tls.enable': 'true' }, true],
    [{ 'tls.server.mode': 'enforcing' }, true],
    [{ 'tls.server.mode': 'enforcing', 'tls.enable': 'false' }, false],
    [{ 'tls.server.mode': 'disabled' }, false],
  ] as const) {
    equal(usesTlsAsClient(valuesOf(properties)), expected)
  }
})

test('a value that is none is an error that names the key', async () => {
  throws(() => tlsModeOf(valuesOf({ 'tls.server.mode': 'enforced' })), /tls\.server\.mode cannot be enforced/)
  for (const name of ['tls.server.need.client.auth', 'tls.server.authClient', 'tls.test.mode.enable']) {
    await rejects(readTlsSettings(valuesOf({ [name]: 'maybe' })), (error: NetError) => {
      equal(error.code, 'NET_TLS_CONFIG_INVALID')
      return error.message.includes(`${name} cannot be maybe`)
    })
  }
})

test('files that are configured count unless the test mode is asked for', async () => {
  const server = async (properties: TlsProperties) => (await readTlsSettings(valuesOf(properties))).server.identity
  deepEqual(await server(files), identity)
  deepEqual(await server({ ...files, 'tls.test.mode.enable': 'false' }), identity)
  equal(await server({ ...files, 'tls.test.mode.enable': 'true' }), undefined)
})

test('without the test mode a server needs a certificate, and one with its key', async () => {
  for (const [properties, words] of [
    [{ 'tls.test.mode.enable': 'false' }, /tls\.server\.certPath and tls\.server\.keyPath must be set/],
    [{ 'tls.server.certPath': '/c.pem' }, /tls\.server\.keyPath is not/],
    [{ 'tls.server.keyPath': '/k.pem' }, /tls\.server\.certPath is not/],
    [{ 'tls.client.keyPath': '/k.pem' }, /tls\.client\.certPath is not/],
  ] as const) {
    await rejects(readTlsSettings(valuesOf(properties)), { code: 'NET_TLS_CONFIG_INVALID', message: words })
  }
})

test('the words of Java are read in either case, with blanks around', async () => {
  const properties = { 'tls.server.need.client.auth': ' REQUIRE ', 'tls.server.authClient': 'True' }
  const { server } = await readTlsSettings(valuesOf(properties))
  deepEqual([server.clientAuth, server.verifyClient], ['require', true])
})

test('the file named by tls.config.file counts over the keys, except for mode and tls.enable', async () => {
  await using dir = await folder()
  const file = join(dir.path, 'tls.properties')
  await writeFile(
    file,
    [
      'tls.server.mode=disabled',
      'tls.enable=true',
      'tls.server.certPath=/c.pem',
      'tls.server.keyPath=/k.pem',
      'tls.client.authServer=true',
      'tls.client.trustCertPath=/ca.pem',
      'other=1',
    ].join('\n'),
  )
  const values = valuesOf({ 'tls.config.file': file, 'tls.server.certPath': '/other.pem' })
  const { server, client, configFile } = await readTlsSettings(values)
  deepEqual(server.identity, identity)
  deepEqual(client, { verifyServer: true, trustCertPath: '/ca.pem', identity: undefined })
  equal(configFile, file)
  deepEqual([tlsModeOf(values), usesTlsAsClient(values)], ['permissive', false])
})

test('a tls.config.file that is configured and not there is an error', async () => {
  await rejects(readTlsSettings(valuesOf({ 'tls.config.file': '/nowhere/tls.properties' })), {
    code: 'NET_TLS_CONFIG_INVALID',
    message: /\/nowhere\/tls\.properties cannot be read/,
  })
})
