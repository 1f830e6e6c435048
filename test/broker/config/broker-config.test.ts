import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigTable } from '../../../lib/base/config-key.ts'
import { parseProperties } from '../../../lib/base/properties-file.ts'
import { effectiveBrokerConfig, parseBrokerConfig } from '../../../lib/broker/config/broker-config.ts'
import { configRows, configTables } from '../../../lib/broker/config/config-values.ts'
import { parseDelayLevels } from '../../../lib/broker/config/delay-levels.ts'
import { unsupportedSettings } from '../../../lib/broker/config/unsupported.ts'
import { storeOptionsOf } from '../../../lib/broker/part-settings.ts'
import { machine } from '../support/fixtures.ts'

const parse = (values: Record<string, string> = {}) => parseBrokerConfig(new Map(Object.entries(values)), machine)

test('every key of Java 4.9.8 has its row', () => {
  const counts = Object.values(configTables).map(
    (table) => Object.values(table as ConfigTable).filter((key) => key.own !== true).length,
  )
  deepEqual(counts, [81, 14, 14, 78, 0])
})

for (const { table, name, key } of configRows) {
  test(`the default of ${table} key ${name} is a value of its own type`, () => {
    const fallback = key.fallback(machine)
    ok(key.meaning.length > 0)
    if (fallback !== undefined) equal(key.parse(String(fallback)), fallback)
  })
}

test('nothing set gives the defaults of the Java broker', () => {
  const { current } = parse().config
  equal(current.net.listenPort, 10_911)
  equal(current.net.haPort, 10_912)
  equal(current.identity.brokerName, 'host-1')
  equal(current.identity.clusterName, 'DefaultCluster')
  equal(current.identity.host, '10.0.0.1')
  equal(current.store.rootDir, '/home/mq/store')
  equal(current.store.commitLogDir, '/home/mq/store/commitlog')
  equal(current.store.flushMode, 'async')
  equal(current.delay.levelsMs.length, 18)
  deepEqual(current.registration.nameServers, [])
})

test('a Java broker file is understood', () => {
  const file = `
    brokerClusterName = Orders
    brokerName: broker-b
    brokerId=0
    namesrvAddr=10.0.0.2:9876;10.0.0.3:9876
    listenPort=20911
    storePathRootDir=/data/mq
    storePathCommitLog=/log/mq
    flushDiskType=SYNC_FLUSH
    brokerRole=ASYNC_MASTER
    messageDelayLevel=1s 1m 1h 1d
    registerNameServerPeriod=1000`
  const { config, unknown, invalid } = parseBrokerConfig(parseProperties(file), machine)
  const { identity, registration, net, store, delay } = config.current
  deepEqual([unknown, invalid], [[], []])
  deepEqual([identity.clusterName, identity.brokerName], ['Orders', 'broker-b'])
  deepEqual(registration.nameServers, ['10.0.0.2:9876', '10.0.0.3:9876'])
  equal(registration.periodMs, 10_000)
  deepEqual([net.listenPort, net.haPort], [20_911, 20_912])
  deepEqual([store.commitLogDir, store.configDir, store.flushMode], ['/log/mq', '/data/mq/config', 'sync'])
  deepEqual(delay.levelsMs, [1000, 60_000, 3_600_000, 86_400_000])
})

test('unknown keys are kept and named, bad values leave the default', () => {
  const { config, unknown, invalid } = parse({ colour: 'blue', listenPort: 'many', brokerPermission: '99' })
  deepEqual(unknown, ['colour'])
  deepEqual(invalid, [
    { key: 'listenPort', value: 'many' },
    { key: 'brokerPermission', value: '99' },
  ])
  equal(config.current.net.listenPort, 10_911)
  match(config.text, /^colour=blue$/m)
})

test('the transient pool is for ASYNC_FLUSH only, as in Java', () => {
  const pooled = parse({ transientStorePoolEnable: 'true', commitIntervalCommitLog: '50' }).config
  equal(pooled.current.store.writePath, 'pool')
  equal(pooled.current.store.commitIntervalMs, 50)
  deepEqual(unsupportedSettings(pooled.values).ignored, [])
  const sync = parse({ transientStorePoolEnable: 'true', flushDiskType: 'SYNC_FLUSH' }).config
  equal(sync.current.store.writePath, 'auto')
  match(unsupportedSettings(sync.values).ignored.join(), /transientStorePoolEnable/)
})

test('extension files of queues are configured as in Java', () => {
  const { current, values } = parse({ enableConsumeQueueExt: 'true', mappedFileSizeConsumeQueueExt: '4096' }).config
  deepEqual(current.store.consumeQueueExt, { enabled: true, fileBytes: 4096, bitMapBits: 64 })
  deepEqual(unsupportedSettings(values).ignored, [])
  const off = { enabled: false, fileBytes: 50_331_648, bitMapBits: 64 }
  deepEqual(parse({}).config.current.store.consumeQueueExt, off)
})

test('filter bit maps need extension files, and have the size of the bloom filter', () => {
  const on = parse({ enableConsumeQueueExt: 'true', enableCalcFilterBitMap: 'true' }).config
  equal(on.current.filter.bitMaps, true)
  deepEqual(unsupportedSettings(on.values).ignored, [])
  equal(storeOptionsOf(on.current, { address: '127.0.0.1', port: 1 }).consumeQueueExt!.bitMapBits, 112)
  const alone = parse({ enableCalcFilterBitMap: 'true' }).config
  equal(alone.current.filter.bitMaps, false)
  match(unsupportedSettings(alone.values).ignored.join(), /enableConsumeQueueExt is off/)
})

test('the write path has keys of our own, which -p leaves out', () => {
  const { config } = parse({ commitLogWritePath: 'staged', stagingBufferSize: '131072', commitLogDirectIo: 'true' })
  const { writePath, stagingBytes, directIo } = config.current.store
  deepEqual({ writePath, stagingBytes, directIo }, { writePath: 'staged', stagingBytes: 131_072, directIo: true })
  ok(!effectiveBrokerConfig(config, 'all').some((line) => line.startsWith('commitLogWritePath')))
})

test('the replication port is one above the listen port, whatever the file says', () => {
  const { config } = parse({ listenPort: '12000', haListenPort: '1' })
  match(config.text, /^haListenPort=12001$/m)
})

test('-p prints every key of Java in order, -m the important ones', () => {
  const { config } = parse()
  const all = effectiveBrokerConfig(config, 'all')
  equal(all.length, configRows.filter(({ key }) => key.own !== true).length)
  equal(all[0], 'rocketmqHome=')
  ok(all.includes('storePathCommitLog='))
  ok(all.includes('isEnableBatchPush=false'))
  const important = effectiveBrokerConfig(config, 'important')
  deepEqual(important.slice(0, 3), ['namesrvAddr=', 'brokerIP1=10.0.0.1', 'brokerName=host-1'])
  ok(!important.includes('listenPort=10911'))
})

test('a live key changes the snapshot, the old snapshot stays as it was', () => {
  const { config } = parse()
  const before = config.current
  let told = 0
  config.onChange(() => told++)
  config.update(new Map([['longPollingEnable', 'false']]))
  equal(before.pull.longPolling, true)
  equal(config.current.pull.longPolling, false)
  equal(told, 1)
})

test('a change is taken as a whole or not at all', () => {
  const { config } = parse()
  const change = new Map([
    ['longPollingEnable', 'false'],
    ['shortPollingTimeMills', 'soon'],
  ])
  throws(() => config.update(change), { code: 'CONFIG_VALUE_INVALID' })
  equal(config.current.pull.longPolling, true)
})

for (const name of ['storePathRootDir', 'storePathCommitLog', 'rmqAddressServerDomain', 'listenPort', 'brokerName']) {
  test(`${name} cannot change while the broker runs`, () => {
    throws(() => parse().config.update(new Map([[name, '1']])), { code: 'CONFIG_KEY_FIXED' })
  })
}

test('a value with a line break cannot smuggle a key into the file', () => {
  const { config } = parse()
  throws(() => config.update(new Map([['messageStorePlugIn', 'a\nstorePathRootDir=/x']])), {
    code: 'CONFIG_VALUE_INVALID',
  })
})

test('the black list is Java\u2019s and what the file adds', () => {
  const { config } = parse({ configBlackList: 'configBlackList;traceOn' })
  ok(config.isBlackListed(['longPollingEnable', 'traceOn']))
  ok(config.isBlackListed(['rocketmqHome']))
  ok(!config.isBlackListed(['longPollingEnable']))
})

test('the file text reads back as the same configuration', () => {
  const { config } = parse({ storePathRootDir: 'C:\\mq\\store', colour: 'blue' })
  const again = parseBrokerConfig(parseProperties(config.fileText), machine).config
  equal(again.text, config.text)
})

test('settings that would silently not hold are refused', () => {
  const { values } = parse({ aclEnable: 'true', brokerRole: 'SLAVE', brokerId: '1' }).config
  const { refused } = unsupportedSettings(values)
  equal(refused.length, 2)
})

test('a delay level without a unit is named', () => {
  throws(() => parseDelayLevels('1s 5x'), { code: 'CONFIG_INVALID', message: /5x/ })
})

test('a name server address without a port is named', () => {
  throws(() => parse({ namesrvAddr: 'localhost' }), { code: 'CONFIG_INVALID', message: /localhost/ })
})

test('TLS keys are read, kept in the file, and neither shown nor changed over the wire', () => {
  const { config } = parse({ 'tls.server.mode': 'enforcing', 'tls.server.keyPassword': 'secret' })
  equal(config.values.tls['tls.server.keyPassword'], 'secret')
  ok(!config.text.includes('tls.'))
  match(config.fileText, /tls\.server\.keyPassword=secret/)
  throws(() => config.update(new Map([['tls.server.certPath', '/x']])), { code: 'CONFIG_KEY_FIXED' })
  throws(() => parse({ 'tls.server.mode': 'on' }), { code: 'NET_TLS_CONFIG_INVALID', message: /tls\.server\.mode/ })
})

test('name servers are dialled with TLS as useTLS says, and without it as tls.enable or the mode say', () => {
  const secure = (properties: Record<string, string>) => parse(properties).config.current.net.secure
  equal(secure({}), false)
  equal(secure({ useTLS: 'true' }), true)
  equal(secure({ 'tls.enable': 'true' }), true)
  equal(secure({ 'tls.server.mode': 'enforcing' }), true)
  equal(secure({ 'tls.server.mode': 'enforcing', useTLS: 'false' }), false)
})
