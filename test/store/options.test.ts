import { equal, rejects } from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMessageStore, type StoreOptions } from '../../lib/store/index.ts'
import { smallStore, temporaryDirectory } from './support/store-fixture.ts'

test('options out of range are refused by name and nothing is made', async (t) => {
  const directory = join(await temporaryDirectory(t), 'store')
  const wrong: [name: string, value: unknown][] = [
    ['rootDir', ''],
    ['rootDir', undefined],
    ['rootDir', 7],
    ['rootDir', 'a\0b'],
    ['commitLogDir', ''],
    ['segmentBytes', 4095],
    ['segmentBytes', 2 ** 31],
    ['segmentBytes', 4096.5],
    ['segmentBytes', '1G'],
    ['consumeQueueFileBytes', 19],
    ['maxBodyBytes', 0],
    ['indexEnabled', 1],
    ['indexSlots', 0],
    ['indexItems', 100_000_001],
    ['checkCrcOnRecover', 'yes'],
    ['flush', 'sync'],
    ['flush', {}],
    ['flush', { mode: 'eventually' }],
    ['flush', { mode: 'async', intervalMs: 0 }],
    ['flush', { mode: 'async', leastPages: -1 }],
    ['flush', { mode: 'async', thoroughIntervalMs: Number.NaN }],
    ['flush', { mode: 'async', commitIntervalMs: 0 }],
    ['writePath', 'direct'],
    ['writePath', 1],
    ['stagingBytes', 65_535],
    ['stagingBytes', 2 ** 31],
    ['stagingWaitMs', -1],
    ['stagingWaitMs', 60_001],
    ['directIo', 'yes'],
    ['consumeQueueFlushIntervalMs', 0],
    ['storeHost', undefined],
    ['storeHost', { address: 'localhost', port: 1 }],
    ['storeHost', { address: '300.1.1.1', port: 1 }],
    ['storeHost', { address: '127.0.0.1', port: 65_536 }],
    ['storeHost', { address: '127.0.0.1' }],
    ['consumeQueueExt', true],
    ['consumeQueueExt', { enabled: 1 }],
    ['consumeQueueExt', { fileBytes: 23 }],
    ['consumeQueueExt', { bitMapBits: -1 }],
    ['delayLevelsMs', [1000, -1]],
    ['delayLevelsMs', 'x'],
    ['delayLevelsMs', new Array(65).fill(1)],
  ]
  for (const [name, value] of wrong) {
    const options = { ...smallStore(directory), [name]: value } as StoreOptions
    await rejects(openMessageStore(options), (error: Error & { code: string }) => {
      equal(error.code, 'STORE_INVALID_ARGUMENT', `${name}: ${error}`)
      return error.message.startsWith(name)
    })
  }
  await rejects(access(directory))
})

test('a directory that cannot be made is an error of the file system', async () => {
  await rejects(openMessageStore(smallStore('/proc/apogee-cannot-be-here')), { name: 'StoreError', retryable: false })
})

test('the log can live elsewhere', async (t) => {
  const directory = await temporaryDirectory(t)
  const commitLogDir = join(directory, 'log')
  const store = await openMessageStore(smallStore(join(directory, 'store'), { commitLogDir }))
  await store.close()
  await access(commitLogDir)
})
