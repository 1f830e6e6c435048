import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from '../../lib/net/buffer-pool.ts'
import { PooledOutbox } from '../../lib/net/pooled-outbox.ts'

const setUp = () => {
  const writes: { text: string; sizeBytes: number; done: () => void }[] = []
  let filled = 0
  const pool = new BufferPool()
  const outbox = new PooledOutbox(pool, {
    outboxFilled: () => {
      filled += 1
    },
    write: (bytes) =>
      writes.push({ text: bytes.toString('latin1'), sizeBytes: bytes.length, done: () => outbox.written() }),
  })
  const put = (text: string, gap = 0) => {
    const start = outbox.reserve(gap + text.length) + gap
    outbox.commit(start, start + outbox.buffer.write(text, start, 'latin1'))
  }
  return { outbox, pool, writes, put, filled: () => filled }
}

test('everything of a tick leaves in one write, gaps left out', () => {
  const { outbox, writes, put, filled } = setUp()
  put('first|', 10)
  put('second|')
  put('a third one that is longer than what is queued|', 20)
  put('4|', 5)
  outbox.flush()
  deepEqual(
    writes.map(({ text }) => text),
    ['first|second|a third one that is longer than what is queued|4|'],
  )
  equal(filled(), 1)
})

test('it grows while bytes are added, keeps them, and writes early beyond a mebibyte', () => {
  const { outbox, writes, put } = setUp()
  const pieces = Array.from({ length: 300 }, (_, index) => String.fromCharCode(65 + (index % 26)).repeat(5_000))
  for (const piece of pieces) put(piece, 7)
  outbox.flush()
  equal(writes.map(({ text }) => text).join(''), pieces.join(''))
  equal(writes.length, 2)
  ok(writes.every(({ sizeBytes }) => sizeBytes <= 1024 * 1024))
})

test('a frame larger than any buffer goes out whole', () => {
  const { outbox, writes, put } = setUp()
  put('x'.repeat(3_000_000))
  outbox.flush()
  equal(writes[0]!.sizeBytes, 3_000_000)
})

test('buffers come back when their write has ended, and only then', () => {
  const { outbox, pool, writes, put } = setUp()
  put('one')
  outbox.flush()
  equal(pool.retainedBytes, 0)
  put('two')
  writes[0]!.done()
  equal(pool.retainedBytes, 4_096)
  outbox.flush()
  equal(writes[1]!.text, 'two')
})

test('a reservation without commit sends nothing', () => {
  const { outbox, writes, put } = setUp()
  outbox.reserve(100)
  outbox.flush()
  equal(writes.length, 0)
  put('kept')
  outbox.reserve(100_000)
  outbox.flush()
  equal(writes[0]!.text, 'kept')
})
