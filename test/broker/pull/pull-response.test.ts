import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writePullAnswer } from '../../../lib/broker/pull/pull-response.ts'
import { BufferPool } from '../../../lib/net/buffer-pool.ts'
import type { Connection } from '../../../lib/net/connection.ts'
import { PooledOutbox } from '../../../lib/net/pooled-outbox.ts'
import { decodeFrame } from '../../../lib/protocol/frame.ts'
import { ResponseCode, type ResponseCodeName } from '../../../lib/protocol/response-codes.ts'
import { PullResult } from '../../../lib/store/pull-result.ts'
import { PullStatus } from '../../../lib/store/status.ts'

const LENGTH_WORD_BYTES = 4

const answered = (code: ResponseCodeName, found: PullResult, brokerId: number, body: Buffer, opaque: number) => {
  const outbox = new PooledOutbox(new BufferPool(), { outboxFilled: () => undefined, write: () => undefined })
  const connection = { outbox } as Partial<Connection> as Connection
  writePullAnswer({ connection, opaque, serializeType: 0 }, code, found, brokerId, body)
  const bytes = outbox.buffer.subarray(0, outbox.pendingBytes)
  deepEqual(bytes.readInt32BE(), bytes.length - LENGTH_WORD_BYTES)
  return decodeFrame(bytes, LENGTH_WORD_BYTES, bytes.length)
}

test('a pull is answered with what was found, whatever the numbers', () => {
  const offset = fc.maxSafeNat()
  const facts = fc.record({
    code: fc.constantFrom<ResponseCodeName>('SUCCESS', 'PULL_NOT_FOUND', 'PULL_OFFSET_MOVED'),
    name: fc.constantFrom(...(Object.keys(PullStatus) as (keyof typeof PullStatus)[])),
    offsets: fc.tuple(offset, offset, offset),
    brokerId: fc.oneof(fc.nat(), fc.constantFrom(-1, 1.5, 1e300)),
    body: fc.uint8Array({ maxLength: 9000 }),
    opaque: fc.integer(),
  })
  fc.assert(
    fc.property(facts, ({ code, name, offsets: [next, min, max], brokerId, body, opaque }) => {
      const found = new PullResult()
      found.cells.set([PullStatus[name], next, min, max])
      const answer = answered(code, found, brokerId, Buffer.from(body), opaque)
      deepEqual([answer.code, answer.opaque, answer.flag], [ResponseCode[code], opaque, 1])
      deepEqual(answer.remark, name === 'NO_MATCHED_QUEUE' ? 'NO_MATCHED_LOGIC_QUEUE' : name)
      deepEqual(Object.fromEntries(answer.extFields ?? []), {
        maxOffset: `${max}`,
        minOffset: `${min}`,
        nextBeginOffset: `${next}`,
        suggestWhichBrokerId: `${brokerId}`,
      })
      deepEqual(Buffer.from(answer.body), Buffer.from(body))
    }),
  )
})
