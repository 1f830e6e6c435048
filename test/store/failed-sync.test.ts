import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageStore, StoreError } from '../../lib/store/index.ts'
import { type ErrorFactory, type StoreAddon, type WakeListener, WakeReason } from '../../lib/store/native-addon.ts'
import { openStoreOn } from '../../lib/store/native-store.ts'
import { smallStore } from './support/store-fixture.ts'

/** An addon whose watermarks and failure the test sets; a real device does not fail on demand. */
const scriptedAddon = () => {
  const state = { appended: 100, committed: 0, flushed: 0, failed: false, isWaiting: false }
  let wake: WakeListener = () => {}
  let makeError: ErrorFactory
  const addon: Partial<StoreAddon> = {
    open(_options, onWake, factory) {
      wake = onWake
      makeError = factory
      setImmediate(() => wake(WakeReason.OPENED, undefined))
      return 1
    },
    close: () => setImmediate(() => wake(WakeReason.CLOSED, undefined)),
    recovery: () => ({}) as ReturnType<StoreAddon['recovery']>,
    requestFlush: () => {},
    setWaiting: (_id, reasons) => {
      state.isWaiting = (reasons & WakeReason.PROGRESS) !== 0
    },
    readWatermarks: (_id, cells) =>
      cells.set([
        state.appended,
        Math.max(state.committed, state.flushed),
        state.flushed,
        state.flushed,
        state.failed ? 1 : 0,
      ]),
    failure: () => {
      if (!state.failed) return undefined
      return makeError('STORE_READ_ONLY', 'sync failed', makeError('STORE_IO_ERROR', 'EIO', undefined))
    },
  }
  return { addon: addon as StoreAddon, state, progress: () => wake(WakeReason.PROGRESS, undefined) }
}

const open = (addon: StoreAddon): Promise<MessageStore> =>
  openStoreOn(addon, smallStore('unused', { flush: { mode: 'sync' } }))

const outcomes = (store: MessageStore, ends: readonly number[]): (string | undefined)[] => {
  const codes: (string | undefined)[] = []
  for (const end of ends) store.onFlushed(end, (error) => codes.push(error?.code ?? 'durable'))
  return codes
}

test('a failed sync fails those above the watermark, names its cause and stays', async () => {
  const { addon, state, progress } = scriptedAddon()
  const store = await open(addon)
  const codes = outcomes(store, [10, 50, 100])
  state.flushed = 10
  progress()
  deepEqual(codes, ['durable'])
  equal(state.isWaiting, true)

  state.flushed = 50
  state.failed = true
  progress()
  deepEqual(codes, ['durable', 'durable', 'STORE_READ_ONLY'])
  equal(state.isWaiting, false)

  const failure = store.failure!
  equal(failure.code, 'STORE_READ_ONLY')
  equal((failure.cause as StoreError).code, 'STORE_IO_ERROR')
  equal(store.failure, failure)
  await rejects(store.whenFlushed(100), failure)
  await store.whenFlushed(50)
  await store.close()
  equal(store.failure, failure)
})

test('a flush that ended before anyone waited is not waited for', async () => {
  const { addon, state } = scriptedAddon()
  const store = await open(addon)
  state.flushed = 100
  await store.whenFlushed(100)
  await store.close()
})

test('who waits for the files is told before those who wait for the device', async () => {
  const { addon, state, progress } = scriptedAddon()
  const store = await open(addon)
  const told: string[] = []
  const flushed = store.whenFlushed(50).then(() => told.push('flushed'))
  const committed = store.whenCommitted(50).then(() => told.push('committed'))
  equal(state.isWaiting, true)
  state.committed = 50
  progress()
  await committed
  deepEqual(told, ['committed'])
  equal(state.isWaiting, true)
  state.flushed = 50
  progress()
  await flushed
  equal(state.isWaiting, false)
  deepEqual(told, ['committed', 'flushed'])
  await store.whenCommitted(50)
  await rejects(store.whenCommitted(101), { code: 'STORE_INVALID_ARGUMENT' })
  const late = store.whenCommitted(100)
  state.failed = true
  progress()
  await rejects(late, { code: 'STORE_READ_ONLY' })
  await store.close()
})

test('a close without the last flush leaves nobody waiting', async () => {
  const { addon, state } = scriptedAddon()
  const store = await open(addon)
  const codes = outcomes(store, [10, 100])
  const closed = store.close()
  state.flushed = 10
  await closed
  deepEqual(codes, ['durable', 'STORE_CLOSED'])
  ok(store.watermarks.flushed === 10)
})
