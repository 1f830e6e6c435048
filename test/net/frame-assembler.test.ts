import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BufferPool } from '../../lib/net/buffer-pool.ts'
import { FrameAssembler } from '../../lib/net/frame-assembler.ts'
import { DEFAULT_LIMITS } from '../../lib/net/limits.ts'
import { encodeFrame } from '../../lib/protocol/frame.ts'

/** Bodies of the frames found when `stream` arrives in pieces of these sizes, all read into one reused buffer. */
const assemble = (stream: Buffer, sizes: readonly number[]): { bodies: string[]; pool: BufferPool; left: number } => {
  const pool = new BufferPool()
  const assembler = new FrameAssembler(pool, DEFAULT_LIMITS)
  const receive = Buffer.alloc(4_096)
  const bodies: string[] = []
  let at = 0
  for (let turn = 0; at < stream.length; turn++) {
    const size = Math.min(sizes[turn % sizes.length]!, stream.length - at, receive.length)
    stream.copy(receive, 0, at, at + size)
    const views: (() => string)[] = []
    const rest = assembler.take(receive, size, ({ buffer, bodyStart, bodyEnd }) => {
      views.push(() => buffer.toString('latin1', bodyStart, bodyEnd))
      return true
    })
    if (typeof rest === 'string') throw new Error(rest)
    for (const view of views) bodies.push(view())
    assembler.keepRest(receive, rest, size)
    receive.fill(0xee)
    at += size
  }
  return { bodies, pool, left: assembler.partialBytes }
}

test('however a stream is cut, the same frames come out, valid until the chunk ends', () => {
  const body = fc.string({ unit: 'binary-ascii', maxLength: 6_000 })
  const sizes = fc.array(fc.integer({ min: 1, max: 4_096 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(body, { maxLength: 12 }), sizes, (bodies, cuts) => {
      const frames = bodies.map((text, opaque) =>
        encodeFrame({ code: 1, opaque, flag: 0, body: Buffer.from(text, 'latin1') }),
      )
      const result = assemble(Buffer.concat(frames), cuts)
      deepEqual(result.bodies, bodies)
      equal(result.left, 0)
    }),
    { numRuns: 200 },
  )
})

test('memory of straddling frames goes back to the pool', () => {
  const frames = Array.from({ length: 50 }, (_, opaque) =>
    encodeFrame({ code: 1, opaque, flag: 0, body: Buffer.alloc(3_000) }),
  )
  const { pool } = assemble(Buffer.concat(frames), [1_000])
  equal(pool.retainedBytes <= 16 * 1024, true, `${pool.retainedBytes} bytes retained`)
})

test('a fault is seen as soon as its bytes are there, also when they straddle chunks', () => {
  const faulty = Buffer.from('0000006405000010', 'hex')
  for (let cut = 1; cut < 8; cut++) {
    const assembler = new FrameAssembler(new BufferPool(), DEFAULT_LIMITS)
    const first = faulty.subarray(0, cut)
    const rest = assembler.take(first, cut, () => true)
    assembler.keepRest(first, rest as number, cut)
    equal(
      assembler.take(faulty.subarray(cut), 8 - cut, () => true),
      'a frame has serialize type 5',
    )
  }
})
