import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { ResponseCode } from '../../../lib/protocol/response-codes.ts'
import type { MessageStore } from '../../../lib/store/index.ts'
import { sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startSendPullServer } from '../support/send-pull-server.ts'

const message = (topic: string) =>
  sendV2({ topic, queueId: 0, body: Buffer.from('x'), properties: '', bornTimestampMs: 1_700_000_000_000 })

/** A store that does not tell of syncs before `go` is called. */
const heldDevice = () => {
  const held: (() => void)[] = []
  let isHeld = true
  const wrapStore = (store: MessageStore): MessageStore =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'onFlushed' && isHeld) {
          return (...flushed: Parameters<MessageStore['onFlushed']>) => held.push(() => target.onFlushed(...flushed))
        }
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const go = (): void => {
    isHeld = false
    for (const tell of held) tell()
  }
  return { wrapStore, go }
}

test('sends over the capacity are answered busy, other topics are served, and all is well when the device is', async (t) => {
  const { wrapStore, go } = heldDevice()
  const store = { flush: { mode: 'sync' } } as const
  const server = await startSendPullServer(t, { store, wrapStore, sendCapacity: 8 })
  server.topics.set('Other', topicConfig('Other', { readQueueNums: 1, writeQueueNums: 1 }))
  const taken = Array.from({ length: 8 }, () => server.client.request(message('Known')))
  await waitFor('the appends', () => server.store.watermarks.appended > 0)
  const refused = await Promise.all(Array.from({ length: 12 }, () => server.client.request(message('Known'))))
  for (const { code, remark } of refused) {
    assert.equal(code, ResponseCode.SYSTEM_BUSY)
    assert.match(remark!, /^\[OVERLOAD\]system busy, start flow control for a while\. Cause: SEND_BACKLOG: /)
  }
  const other = await server.connect()
  t.after(() => other.close())
  const appended = server.store.watermarks.appended
  const served = other.request(message('Other'))
  await waitFor('the append of the other topic', () => server.store.watermarks.appended > appended)
  go()
  assert.equal((await served).code, ResponseCode.SUCCESS)
  for (const { code } of await Promise.all(taken)) assert.equal(code, ResponseCode.SUCCESS)
  assert.equal((await server.client.request(message('Known'))).code, ResponseCode.SUCCESS)
})

test('more of the log than may wait for the device makes the broker busy until it is written', async (t) => {
  const server = await startSendPullServer(t, { store: { flush: { mode: 'async' } }, maxBacklogBytes: 1 })
  assert.equal((await server.client.request(message('Known'))).code, ResponseCode.SUCCESS)
  const refused = await server.client.request(message('Known'))
  assert.equal(refused.code, ResponseCode.SYSTEM_BUSY)
  assert.match(refused.remark!, /Cause: FLUSH_BACKLOG: \d+ bytes wait for the device, more than 1$/)
  server.store.requestFlush(server.store.watermarks.appended)
  await waitFor('the flush', () => server.store.watermarks.flushed === server.store.watermarks.appended)
  assert.equal((await server.client.request(message('Known'))).code, ResponseCode.SUCCESS)
})
