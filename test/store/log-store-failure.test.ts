import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../lib/base/clock.ts'
import { type AppendBatch, AppendStatus, type MessageStore, StoreError } from '../../lib/store/index.ts'
import { LogStore } from '../../lib/store/log-store.ts'

/** A store on an engine that answers appends and waits as the test says; a real device does not fail on demand. */
const scriptedStore = () => {
  const script = {
    status: AppendStatus.OK as AppendStatus,
    failure: undefined as StoreError | undefined,
    flushed: Promise.resolve() as Promise<void>,
    appends: 0,
  }
  const engine: Partial<MessageStore> = {
    flushMode: 'sync',
    topic: () => 0 as ReturnType<MessageStore['topic']>,
    get failure() {
      return script.failure
    },
    append: (batch: AppendBatch) => {
      script.appends++
      batch.failAll(script.status)
      if (script.status === AppendStatus.OK) batch.endOffset = 100
    },
    whenFlushed: () => script.flushed,
  }
  return { store: new LogStore(engine as MessageStore, { directory: 'd' }, systemClock), script }
}

const readOnly = () =>
  new StoreError('STORE_READ_ONLY', 'the store is read-only: EIO', { cause: new StoreError('STORE_IO_ERROR', 'EIO') })

test('an append whose sync failed rejects with the reason, and so does its durable', async () => {
  const { store, script } = scriptedStore()
  const reason = readOnly()
  script.flushed = Promise.reject(reason)
  await rejects(store.append({ body: 'x' }), (error) => error === reason)
  await rejects(store.appendNow([{ body: 'x' }]).durable, { code: 'STORE_READ_ONLY' })
  await store.append({ body: 'x' }, { durability: 'appended' })
})

test('a durable that nobody asks for rejects for nobody', async () => {
  const { store, script } = scriptedStore()
  let waits = 0
  Object.assign(store.engine, { whenFlushed: () => Promise.reject(new Error(`${++waits}`)) })
  store.appendNow([{ body: 'x' }])
  equal(waits, 0)
  equal(script.appends, 1)
})

test('what the engine refuses becomes an error with the code of the reason', () => {
  const { store, script } = scriptedStore()
  const codes: Partial<Record<keyof typeof AppendStatus, boolean>> = {
    NO_SPACE: true,
    IO_ERROR: false,
    TOO_LARGE: false,
    CLOSED: false,
    READ_ONLY: false,
  }
  for (const [name, retryable] of Object.entries(codes)) {
    script.status = AppendStatus[name as keyof typeof AppendStatus]
    throws(() => store.appendNow([{ body: 'x' }]), { name: 'StoreError', code: `STORE_${name}`, retryable })
  }
  script.failure = readOnly()
  script.status = AppendStatus.READ_ONLY
  throws(
    () => store.appendNow([{ body: 'x' }]),
    (error) => error === script.failure,
  )
  script.status = AppendStatus.OK
  deepEqual(store.appendNow([]).length, 0)
})
