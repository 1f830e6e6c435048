import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../lib/base/logging.ts'
import { isNamesrvKey, namesrvKeys } from '../../lib/namesrv/config-keys.ts'
import { namesrvHandlers } from '../../lib/namesrv/handlers/index.ts'
import { effectiveNamesrvConfig, parseNamesrvConfig, startNameServer } from '../../lib/namesrv/index.ts'
import { KvConfig } from '../../lib/namesrv/kv-config.ts'
import { RouteTables } from '../../lib/namesrv/route-tables.ts'
import { tlsKeys } from '../../lib/net/tls/tls-keys.ts'
import { requestCodeTable } from '../../lib/protocol/request-codes.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { RawClient } from '../support/raw-client.ts'
import { json, register, runNameServer, temporaryFolder, text } from './namesrv-harness.ts'

const put = (client: RawClient, namespace: string, key: string, value: string) =>
  client.request({ code: 100, extFields: { namespace, key, value } })
const get = async (client: RawClient, namespace: string, key: string) => {
  const { code, extFields } = await client.request({ code: 101, extFields: { namespace, key } })
  return code === 0 ? extFields.value : code
}
const update = (client: RawClient, properties: string) => client.request({ code: 318, body: Buffer.from(properties) })

test('every request code of the 4.9.8 name server has a handler', async () => {
  await using folder = await temporaryFolder()
  const routes = new RouteTables({ clock: new ManualClock(), logger: silentLogger })
  const { config } = parseNamesrvConfig(new Map())
  const kvConfig = await KvConfig.load(join(folder.path, 'kvConfig.json'))
  const codes = namesrvHandlers({ routes, kvConfig, config }).map(({ command }) => command.code)
  const inTable = Object.values(requestCodeTable)
    .filter((facts) => (facts.handledBy as readonly string[]).includes('namesrv') && !('since' in facts))
    .map(({ code }) => code)
  deepEqual(
    codes.sort((a, b) => a - b),
    inTable.sort((a, b) => a - b),
  )
})

test('KV configuration is on disk before it is answered, in the form Java reads, and there after a restart', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'kvConfig.json')
  {
    await using running = await runNameServer(folder.path)
    equal((await put(running.client, 'ns', 'k', 'v "1" ü')).code, 0)
    equal(await readFile(path, 'utf8'), '{"configTable":{"ns":{"k":"v \\"1\\" ü"}}}')
    await put(running.client, 'ns', 'gone', 'x')
    await running.client.request({ code: 102, extFields: { namespace: 'ns', key: 'gone' } })
    equal(await get(running.client, 'ns', 'gone'), 22)
  }
  await using again = await runNameServer(folder.path)
  equal(await get(again.client, 'ns', 'k'), 'v "1" ü')
  deepEqual(json(await again.client.request({ code: 219, extFields: { namespace: 'ns' } })), {
    table: { k: 'v "1" ü' },
  })
  const missing = await again.client.request({ code: 219, extFields: { namespace: 'none' } })
  deepEqual([missing.code, missing.remark], [22, 'No config item, Namespace: none'])
  deepEqual((await readdir(folder.path)).sort(), ['kvConfig.json', 'kvConfig.json.bak'])
})

test('a damaged KV file is replaced by its previous generation; with none left the start fails and changes nothing', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'kvConfig.json')
  await writeFile(`${path}.bak`, '{"configTable":{"ns":{"k":"before"}}}')
  await writeFile(path, '{"configTable":{"ns"')
  {
    await using running = await runNameServer(folder.path)
    equal(await get(running.client, 'ns', 'k'), 'before')
  }
  await writeFile(`${path}.bak`, 'also damaged')
  await rejects(runNameServer(folder.path), (error: { code: string }) => error.code === 'FILE_UNREADABLE')
  equal(await readFile(path, 'utf8'), '{"configTable":{"ns"')
})

test('many changes at once are all kept', async () => {
  await using folder = await temporaryFolder()
  {
    await using running = await runNameServer(folder.path)
    await Promise.all(Array.from({ length: 50 }, (_, index) => put(running.client, 'ns', `k${index}`, String(index))))
  }
  const kept = await KvConfig.load(join(folder.path, 'kvConfig.json'))
  equal(kept.namespace('ns')?.size, 50)
})

test('the KV configuration has a limit', async () => {
  await using folder = await temporaryFolder()
  const kvConfig = await KvConfig.load(join(folder.path, 'kvConfig.json'), 3)
  await kvConfig.put('ns', 'a', '1')
  await kvConfig.put('ns', 'b', '2')
  await rejects(async () => kvConfig.put('ns', 'c', '3'), { code: 'KV_CONFIG_FULL' })
  await kvConfig.put('ns', 'a', 'changed')
  equal(kvConfig.get('ns', 'a'), 'changed')
})

test('the order of a topic is told to brokers always, and to clients when orderMessageEnable is set, also at run time', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  await put(running.client, 'ORDER_TOPIC_CONFIG', 'T', 'broker-a:4')
  deepEqual(json(await register(running.client)), { table: { T: 'broker-a:4' } })
  const route = async () => text(await running.client.request({ code: 105, extFields: { topic: 'T' } }))
  equal((await route()).includes('orderTopicConf'), false)
  equal((await update(running.client, 'orderMessageEnable=true')).code, 0)
  match(await route(), /"orderTopicConf":"broker-a:4"/)
})

test('configuration changes are checked, written back and refused for paths', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path, { configBlackList: 'productEnvName', custom: 'kept' })
  const paths = ['configBlackList', 'configStorePath', 'kvConfigPath', 'rocketmqHome', 'productEnvName']
  for (const key of paths) {
    const reply = await update(running.client, `clusterTest=true\n${key}=/tmp/x`)
    deepEqual([reply.code, reply.remark], [16, 'Can not update config in black list.'], key)
  }
  const wrong = await update(running.client, 'clusterTest=true\nlistenPort=many')
  deepEqual([wrong.code, wrong.remark], [1, 'listenPort cannot be many'])
  equal((await update(running.client, 'serverWorkerThreads=3\nunknownKey=x\ncustom=new')).code, 0)
  const lines = text(await running.client.request({ code: 319 })).split('\n')
  for (const line of ['serverWorkerThreads=3', 'clusterTest=false', 'custom=new', 'orderMessageEnable=false']) {
    equal(lines.includes(line), true, line)
  }
  equal(
    lines.some((line) => line.startsWith('unknownKey')),
    false,
  )
  match(await readFile(join(folder.path, 'namesrv.properties'), 'utf8'), /^serverWorkerThreads=3$/m)
})

test('all keys of Java have their defaults, unknown keys are kept, wrong values are reported', () => {
  const { config, unknown, invalid } = parseNamesrvConfig(
    new Map([
      ['listenPort', '9999'],
      ['serverSelectorThreads', 'x'],
      ['strange', '1'],
    ]),
    '/etc/namesrv.conf',
  )
  deepEqual([config.listenPort, unknown, invalid], [9999, ['strange'], [{ key: 'serverSelectorThreads', value: 'x' }]])
  const lines = effectiveNamesrvConfig(config)
  equal(lines.length, Object.keys(namesrvKeys).length - Object.keys(tlsKeys).length)
  equal(lines.length, 21)
  for (const line of ['listenPort=9999', 'serverSelectorThreads=3', 'configStorePath=/etc/namesrv.conf']) {
    equal(lines.includes(line), true, line)
  }
  deepEqual([isNamesrvKey('toString'), isNamesrvKey('__proto__')], [false, false])
})

test('a port in use is named, and nothing is left running', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path)
  const clock = new ManualClock()
  const { config } = parseNamesrvConfig(new Map([['listenPort', String(running.nameServer.port)]]))
  await rejects(startNameServer(config, { listenHost: '127.0.0.1', clock }), { code: 'NET_PORT_IN_USE' })
  equal(clock.timers, 0)
})

test('TLS keys are neither shown nor changed over the wire, and stay in the file', async () => {
  await using folder = await temporaryFolder()
  await using running = await runNameServer(folder.path, { 'tls.server.keyPassword': 'secret' })
  const refused = await update(running.client, 'tls.server.mode=disabled')
  deepEqual([refused.code, refused.remark], [1, 'tls.server.mode cannot be changed over the wire'])
  equal((await update(running.client, 'clusterTest=true')).code, 0)
  equal(text(await running.client.request({ code: 319 })).includes('tls.'), false)
  match(await readFile(join(folder.path, 'namesrv.properties'), 'utf8'), /^tls\.server\.keyPassword=secret$/m)
})

test('TLS settings that are no good are named, and nothing is left running', async () => {
  await using folder = await temporaryFolder()
  await rejects(runNameServer(folder.path, { 'tls.server.mode': 'on' }), { code: 'NET_TLS_CONFIG_INVALID' })
  const files = { 'tls.server.certPath': '/absent.pem', 'tls.server.keyPath': '/absent.key' }
  await rejects(runNameServer(folder.path, files), { code: 'NET_TLS_FILE_INVALID', message: /\/absent/ })
})
