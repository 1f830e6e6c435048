import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openStore } from '../../lib/store/index.ts'
import { waitFor } from '../support/wait-for.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

test('a lease shows the record in place and is empty once released', async (t) => {
  await using store = await openStore({ directory: await temporaryDirectory(t), segmentBytes: 1 << 20 })
  const { physicalOffset, sizeBytes } = await store.append({ body: 'in place', tag: 't' })
  const lease = store.lease(physicalOffset)!
  const again = store.lease(physicalOffset)!
  equal(lease.bytes.length, sizeBytes)
  equal(lease.message().body.toString(), 'in place')
  deepEqual(lease.bytes, store.engine.readRecord(physicalOffset))
  equal(store.stats().leases, 2)
  const { body } = lease.message()
  lease.release()
  lease.release()
  deepEqual([lease.bytes.length, body.length, store.stats().leases], [0, 0, 1])
  equal(again.message().body.toString(), 'in place')
  {
    using third = store.lease(physicalOffset)!
    equal(third.bytes.length, sizeBytes)
  }
  equal(store.stats().leases, 1)
  throws(() => lease.message(), { code: 'STORE_CORRUPTION' })
  equal(store.lease(physicalOffset + 1), undefined)
})

test('closing the store ends its leases', async (t) => {
  const store = await openStore({ directory: await temporaryDirectory(t), segmentBytes: 1 << 20 })
  const { physicalOffset } = await store.append({ body: 'x' })
  const leases = [store.lease(physicalOffset)!, store.lease(physicalOffset)!]
  const closed = store.close()
  for (const { bytes } of leases) equal(bytes.length, 0)
  await closed
  for (const lease of leases) lease.release()
  throws(() => store.lease(physicalOffset), { code: 'STORE_CLOSED' })
})

test('a lease that outlives the engine it came from stays readable', async (t) => {
  const store = await openStore({ directory: await temporaryDirectory(t), segmentBytes: 1 << 20 })
  const { physicalOffset } = await store.append({ body: 'still here' })
  const bytes = store.engine.leaseRecord(physicalOffset)!
  await store.close()
  ok(Buffer.from(bytes).includes('still here'))
  store.engine.detach(bytes)
  equal(bytes.byteLength, 0)
})

test('forgotten leases are found by the garbage collector', async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  await using store = await openStore({ directory: await temporaryDirectory(t), segmentBytes: 1 << 20 })
  const { physicalOffset } = await store.append({ body: 'x' })
  for (let round = 0; round < 1000; round++) store.lease(physicalOffset)
  await waitFor('the garbage collector', () => {
    collectGarbage()
    return store.stats().leases === 0
  })
})
