import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageWriter } from '../../../lib/broker/messages/message-writer.ts'
import { AppendStatus } from '../../../lib/store/index.ts'
import { DelayBench } from '../support/delay-bench.ts'

test('a message is delivered when its time has come, not before', async (t) => {
  const bench = await DelayBench.start(t)
  await bench.send('a', 1)
  bench.clock.advance(999)
  equal(await bench.queues[0]!.turn(), 1)
  deepEqual(await bench.delivered(), [])
  bench.clock.advance(1)
  equal(await bench.queues[0]!.turn(), 0)
  deepEqual(await bench.delivered(), ['a'])
})

test('what is delivered is what was sent; its properties keep the delay as in records of Java', async (t) => {
  const bench = await DelayBench.start(t)
  await bench.send('a', 9, { KEYS: 'k', TAGS: 'Tag' })
  const [waiting] = await bench.records('SCHEDULE_TOPIC_XXXX', 1)
  bench.clock.advance(5000)
  await bench.drain(2)
  const [record] = await bench.records()
  deepEqual(record!.properties, waiting!.properties)
  deepEqual(
    [...record!.properties].sort(),
    Object.entries({ DELAY: '2', KEYS: 'k', REAL_QID: '0', REAL_TOPIC: 'T', TAGS: 'Tag' }),
  )
  deepEqual([record!.bornTimestamp, record!.bornHost.port, record!.preparedTransactionOffset], [1, 40_000, 0])
})

test('an empty level wants its next turn within its delay, one with messages when the first is due', async (t) => {
  const bench = await DelayBench.start(t)
  equal(await bench.queues[1]!.turn(), 1000)
  await bench.send('a', 1)
  bench.clock.advance(300)
  equal(await bench.queues[0]!.turn(), 700)
})

test('a queue keeps its order and gives the event loop its turn after 32 messages', async (t) => {
  const bench = await DelayBench.start(t)
  const bodies = Array.from({ length: 100 }, (_, index) => `m${index}`)
  await bench.sendMany(bodies, 1)
  bench.clock.advance(1000)
  equal(await bench.drain(1), 5)
  deepEqual(await bench.delivered(), bodies)
})

test('however many are due at once, a turn delivers 32 of them', async (t) => {
  const bench = await DelayBench.start(t)
  const bodies = Array.from({ length: 6400 }, (_, index) => `m${index}`)
  await bench.sendMany(bodies, 1)
  bench.clock.advance(1000)
  await bench.queues[0]!.turn()
  equal(bench.offsets.of(1), 32)
  equal(await bench.drain(1), 6400 / 32)
  equal((await bench.delivered()).length, 6400)
})

test('a refused message is tried again, and none behind it is delivered before', async (t) => {
  const refusals = [AppendStatus.OK, AppendStatus.BUSY, AppendStatus.NO_SPACE, AppendStatus.TOO_LARGE]
  const wrapWriter = (writer: MessageWriter): Pick<MessageWriter, 'write'> => ({
    write(message) {
      const status = refusals.shift() ?? AppendStatus.OK
      if (status === AppendStatus.OK) return writer.write(message)
      return { status, physicalOffset: -1, queueOffset: -1, storeTimestampMs: -1, endOffset: -1 }
    },
  })
  const bench = await DelayBench.start(t, { wrapWriter })
  for (const body of ['a', 'b', 'c']) await bench.send(body, 1)
  bench.clock.advance(1000)
  const waits = []
  for (let turn = 0; turn < 4; turn++) waits.push(await bench.queues[0]!.turn())
  deepEqual(waits, [10, 100, 100, 0])
  deepEqual(await bench.delivered(), ['a', 'b', 'c'])
})

test('after the clock was set back nothing is early, and all waits one delay more at most', async (t) => {
  const bench = await DelayBench.start(t)
  for (const body of ['a', 'b', 'c']) {
    await bench.send(body, 1)
    bench.clock.advance(400)
  }
  bench.clock.wallMs -= 86_400_000
  equal(await bench.queues[0]!.turn(), 1000)
  await bench.send('d', 1)
  bench.clock.advance(999)
  equal(await bench.queues[0]!.turn(), 1)
  bench.clock.advance(1)
  await bench.drain(1)
  deepEqual(await bench.delivered(), ['a', 'b', 'c', 'd'])
})

test('after the clock was set forward all that is due by it is delivered', async (t) => {
  const bench = await DelayBench.start(t)
  await bench.send('a', 2)
  bench.clock.wallMs += 3 * 86_400_000
  await bench.drain(2)
  deepEqual(await bench.delivered(), ['a'])
})

test('records that name no topic are passed over, the others are not', async (t) => {
  const bench = await DelayBench.start(t)
  await bench.send('a', 1)
  const send = (properties: Record<string, string>) =>
    // Without DELAY the detour leaves it alone: this is a record as no broker writes it.
    bench.sendRaw('SCHEDULE_TOPIC_XXXX', 0, properties)
  await send({ KEYS: 'k' })
  await send({ REAL_TOPIC: '../x', REAL_QID: '0' })
  await send({ REAL_TOPIC: 'T', REAL_QID: '-1' })
  await send({ REAL_TOPIC: 'RMQ_SYS_TRANS_HALF_TOPIC', REAL_QID: '0' })
  await bench.send('b', 1)
  bench.clock.advance(1000)
  await bench.drain(1)
  deepEqual(await bench.delivered(), ['a', 'b'])
})

test('an entry whose message cannot be read now is tried again before it is passed over', async (t) => {
  const bench = await DelayBench.start(t)
  for (const body of ['a', 'b']) await bench.send(body, 1)
  bench.clock.advance(1000)
  bench.unreadable.add('a')
  for (let turn = 0; turn < 9; turn++) equal(await bench.queues[0]!.turn(), 1000)
  deepEqual(await bench.delivered(), [])
  bench.unreadable.clear()
  await bench.drain(1)
  deepEqual(await bench.delivered(), ['a', 'b'])
  await bench.send('c', 1)
  await bench.send('d', 1)
  bench.clock.advance(1000)
  bench.unreadable.add('c')
  for (let turn = 0; turn < 9; turn++) equal(await bench.queues[0]!.turn(), 1000)
  await bench.drain(1)
  deepEqual(await bench.delivered(), ['a', 'b', 'd'])
})

test('a level that is no longer configured still delivers what waits', async (t) => {
  const bench = await DelayBench.start(t)
  await bench.send('a', 2)
  bench.clock.advance(4999)
  const old = bench.queueOf(2, undefined)
  equal(await old.turn(), 1)
  bench.clock.advance(1)
  equal(await old.turn(), 0)
  deepEqual(await bench.delivered(), ['a'])
})

test('an offset outside the queue is corrected to its nearer end', async (t) => {
  const bench = await DelayBench.start(t)
  await bench.send('a', 1)
  bench.offsets.advance(1, 500, 0)
  bench.offsets.advance(2, 7, 0)
  bench.clock.advance(1000)
  await bench.drainAll()
  deepEqual([bench.offsets.of(1), bench.offsets.of(2)], [1, 0])
  deepEqual(await bench.delivered(), [])
  await bench.send('b', 1)
  bench.clock.advance(1000)
  await bench.drain(1)
  ok((await bench.delivered()).includes('b'))
})
