import { deepEqual, equal } from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMessageStore, openStore } from '../../lib/store/index.ts'
import { readExtendedEntries } from '../support/extension-reader.ts'
import {
  appendBodies,
  javaHash,
  pullBodies,
  smallStore,
  temporaryDirectory,
  whenDispatched,
} from './support/store-fixture.ts'

test('entries have extension units that filter, also when it is switched off again', async (t) => {
  const directory = join(await temporaryDirectory(t), 'store')
  for (const enabled of [true, false]) {
    const store = await openMessageStore(smallStore(directory, { consumeQueueExt: { enabled, fileBytes: 60 } }))
    const topic = store.topic('Ext')
    appendBodies(store, topic, ['red one', 'red two'], { tag: 'red' })
    appendBodies(store, topic, ['blue one'], { tag: 'blue' })
    await whenDispatched(store)
    const rounds = enabled ? 1 : 2
    equal(pullBodies(store, topic, 0, 0, Int32Array.of(javaHash('blue'))).length, rounds)
    const red = BigInt(javaHash('red'))
    const codes = store.queueEntries(topic, 0, 0, 10).map(({ tagsCode }) => tagsCode)
    deepEqual(codes, Array.from({ length: rounds }, () => [red, red, BigInt(javaHash('blue'))]).flat())
    await store.close()
  }
  const units = readExtendedEntries(directory, 'Ext').map(({ unit }) => unit !== undefined)
  deepEqual(units, [true, true, true, false, false, false])
  equal(readdirSync(join(directory, 'consumequeue_ext', 'Ext', '0')).length, 2)
})

test('a raw store takes the option', async (t) => {
  const directory = join(await temporaryDirectory(t), 'store')
  const store = await openStore({ directory, consumeQueueExt: { enabled: true, fileBytes: 4096 } })
  await store.append({ body: Buffer.from('x') })
  await store.close()
  equal(readExtendedEntries(directory, 'log').length, 1)
})
