import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ProcessQueue } from '../../lib/client/process-queue.ts'
import { decodeRecord, encodeRecord, type StoredMessage } from '../../lib/protocol/message-codec.ts'

const HOST = { bytes: Buffer.alloc(4), port: 1 }

const record = (queueOffset: number): StoredMessage =>
  decodeRecord(
    encodeRecord({
      queueId: 0,
      flag: 0,
      queueOffset,
      physicalOffset: 0,
      sysFlag: 0,
      bornTimestamp: 0,
      bornHost: HOST,
      storeTimestamp: 0,
      storeHost: HOST,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.alloc(10),
      topic: 'T',
      properties: new Map(),
    }),
  )

test('the offset to commit is that of the first message not done', () => {
  const queue = new ProcessQueue(5)
  equal(queue.commitOffset, 5)
  const [five, six, eight] = queue.add([record(5), record(6), record(8)])
  deepEqual([queue.commitOffset, queue.count, queue.sizeBytes], [5, 3, 30])
  queue.done(six!)
  equal(queue.commitOffset, 5)
  queue.done(five!)
  equal(queue.commitOffset, 8)
  queue.done(eight!)
  deepEqual([queue.commitOffset, queue.count, queue.sizeBytes], [9, 0, 0])
})

test('offsets that hold nothing are skipped once all before them is done', () => {
  const queue = new ProcessQueue(0)
  const [first] = queue.add([record(0)])
  queue.skipTo(40)
  equal(queue.commitOffset, 0)
  queue.done(first!)
  equal(queue.commitOffset, 40)
  queue.skipTo(10)
  equal(queue.commitOffset, 40)
})

test('a message from before a restart does not finish the one that has its offset now', () => {
  const queue = new ProcessQueue(0)
  const [old] = queue.add([record(0)])
  queue.restartAt(0)
  const [current] = queue.add([record(0)])
  queue.done(old!)
  deepEqual([queue.has(old!), queue.has(current!), queue.commitOffset], [false, true, 0])
  queue.done(current!)
  equal(queue.commitOffset, 1)
})
