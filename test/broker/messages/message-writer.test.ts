import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../lib/base/clock.ts'
import { DurabilityGate } from '../../../lib/broker/durability.ts'
import type { Detour } from '../../../lib/broker/messages/detour.ts'
import { MessageWriter } from '../../../lib/broker/messages/message-writer.ts'
import { type NewMessage, newMessageOf } from '../../../lib/broker/messages/new-message.ts'
import { StoredMessages } from '../../../lib/broker/messages/stored-messages.ts'
import { hostAddress, hostText } from '../../../lib/protocol/host-address.ts'
import { AppendStatus, type StoreOptions } from '../../../lib/store/index.ts'
import { openTestStore } from '../../store/support/store-fixture.ts'

const message: NewMessage = {
  topic: 'T',
  queueId: 2,
  flag: 5,
  sysFlag: 1,
  bornTimestampMs: 1_700_000_000_000,
  bornHost: hostAddress('10.1.2.3', 4567),
  reconsumeTimes: 3,
  preparedTransactionOffset: 99,
  body: Buffer.from('a body'),
  properties: new Map([
    ['KEYS', 'k'],
    ['x', 'y'],
  ]),
}

const setUp = async (t: TestContext, options: Partial<StoreOptions> = {}, detours: readonly Detour[] = []) => {
  const gates: DurabilityGate[] = []
  t.after(() => gates[0]?.stop())
  const store = await openTestStore(t, options)
  const gate = new DurabilityGate(store, systemClock, 5000)
  gates.push(gate)
  return { store, writer: new MessageWriter(store, gate, detours), messages: new StoredMessages(store) }
}

test('a message is stored with all its fields and read again by place and by queue', async (t) => {
  const { store, writer, messages } = await setUp(t)
  writer.write(message)
  const written = writer.write({ ...message, bornHost: hostAddress('2001:db8::1', 1) })
  assert.equal(written.status, AppendStatus.OK)
  assert.equal(written.queueOffset, 1)
  await store.whenDispatched(written.endOffset)
  const stored = await messages.at(written.physicalOffset)
  assert.equal(hostText(stored!.bornHost), '[2001:db8::1]:1')
  const queue = await messages.ofQueue('T', 2, 0, 10)
  assert.deepEqual([queue.messages.length, queue.nextOffset, queue.minOffset, queue.maxOffset], [2, 2, 0, 2])
  const again = newMessageOf(queue.messages[0]!, { preparedTransactionOffset: 99 })
  assert.deepEqual(
    { ...again, properties: [...again.properties].sort() },
    { ...message, properties: [...message.properties] },
  )
})

test('nothing is read where no message is', async (t) => {
  const { messages } = await setUp(t)
  assert.equal(await messages.at(0), undefined)
  assert.equal(await messages.at(-5), undefined)
  assert.deepEqual((await messages.ofQueue('T', 0, 7, 10)).messages, [])
})

test('a message larger than a chunk is read whole', async (t) => {
  const { store, writer, messages } = await setUp(t, { segmentBytes: 4 << 20, maxBodyBytes: 1 << 20 })
  const { endOffset } = writer.write({ ...message, body: Buffer.alloc(700_000, 7) })
  await store.whenDispatched(endOffset)
  const { messages: found } = await messages.ofQueue('T', 2, 0, 10)
  assert.equal(found[0]!.body.length, 700_000)
})

test('under sync flush what was written becomes durable and readable by itself', async (t) => {
  const { store, writer } = await setUp(t, { flush: { mode: 'sync' } })
  const { endOffset } = writer.write(message)
  assert.deepEqual(await writer.durable(endOffset), { kind: 'durable' })
  await store.whenDispatched(endOffset)
  assert.ok(store.watermarks.flushed >= endOffset)
})

test('a message that cannot be stored is told by its status', async (t) => {
  const { writer } = await setUp(t)
  const long = new Map([['x', 'y'.repeat(40_000)]])
  assert.equal(writer.write({ ...message, properties: long }).status, AppendStatus.TOO_LARGE)
  assert.equal(writer.write({ ...message, queueId: -1 }).status, AppendStatus.INVALID_ARGUMENT)
})

test('nothing that is wrong with the message or the store is thrown', async (t) => {
  const { store, writer } = await setUp(t)
  assert.equal(writer.write({ ...message, topic: '../x' }).status, AppendStatus.INVALID_ARGUMENT)
  assert.equal(writer.write({ ...message, topic: '' }).status, AppendStatus.INVALID_ARGUMENT)
  await store.close()
  const written = writer.write(message)
  assert.deepEqual([written.status, written.physicalOffset, written.endOffset], [AppendStatus.CLOSED, -1, -1])
})

test('detours of all messages count for what the broker writes, those of clients do not', async (t) => {
  const to = (topic: string, clientsOnly: boolean): Detour => ({
    properties: [],
    clientsOnly,
    redirect: (sent) => ({ ...sent, topic }),
  })
  const { store, writer, messages } = await setUp(t, {}, [to('Clients', true), to('All', false)])
  const { endOffset } = writer.write(message)
  await store.whenDispatched(endOffset)
  assert.equal((await messages.ofQueue('All', 2, 0, 1)).messages.length, 1)
})
