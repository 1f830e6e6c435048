import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Detour, HotMessage } from '../../../lib/broker/messages/detour.ts'
import { HotDetourPath } from '../../../lib/broker/send/hot-detour-path.ts'
import type { SendRequest } from '../../../lib/broker/send/send-service.ts'
import { PropertyRewriter } from '../../../lib/protocol/property-rewriter.ts'

const WATCH = ['WAIT', 'AT', 'UNIQ_KEY', 'BLOCKED']

/** Takes a message to the topic Waiting and says what it was told of it. */
const taken = (properties: string) => {
  const seen: { at?: number | undefined; id?: string } = {}
  const target = {
    topic: 'Waiting',
    queueId: 0,
    values: [Buffer.from('yes')],
    recallHandle: (id: Buffer, start: number, end: number) => {
      seen.id = id.toString('utf8', start, end)
      return 'handle'
    },
    onStored: undefined,
  }
  const detour: Detour = {
    properties: ['AT'],
    clientsOnly: false,
    redirect: (message) => message,
    hot: {
      put: ['WAITS'],
      unless: ['BLOCKED'],
      take: (message: HotMessage) => {
        seen.at = message.integer('AT')
        return target
      },
    },
  }
  const rewriter = new PropertyRewriter({ remove: [], put: [['WAITS', '']] }, WATCH)
  const path = HotDetourPath.of([detour], rewriter, 0, WATCH)!
  const source = Buffer.from(properties)
  rewriter.read(source, 0, source.length)
  const request = { properties: source, topic: { name: 'T', bytes: Buffer.from('T') }, sysFlag: 0 }
  const found = path.take(request as unknown as SendRequest, 3)
  const into = Buffer.alloc(rewriter.sizeBound(source.length))
  const stored = into.toString('utf8', 0, rewriter.write(into, 0, true))
  return { found, handle: found && path.recallHandle(found), stored, ...seen }
}

test('a plain number is read on bytes, and what the detour puts is stored', () => {
  const { found, at, stored } = taken('AT\x01120\x02')
  assert.equal(found?.topic, 'Waiting')
  assert.equal(at, 120)
  assert.deepEqual(stored.split('\x02').sort(), ['AT\x01120', 'WAITS\x01yes'])
})

test('what is not plain digits is no number here', () => {
  for (const text of ['+5', '-5', '1e3', ' 5', '1234567890123456']) {
    assert.ok(Number.isNaN(taken(`AT\x01${text}\x02`).at), text)
  }
  assert.equal(taken('AT\x01123456789012345\x02').at, 123_456_789_012_345)
  assert.equal(taken('X\x01y\x02').at, undefined)
})

test("the answer's handle is asked for by the client's id, when there is one", () => {
  assert.deepEqual(taken('AT\x015\x02UNIQ_KEY\x01id-1\x02').id, 'id-1')
  assert.equal(taken('AT\x015\x02UNIQ_KEY\x01id-1\x02').handle, 'handle')
  assert.equal(taken('AT\x015\x02').handle, undefined)
})

test('a message with an obstacle goes the other way', () => {
  assert.equal(taken('AT\x015\x02BLOCKED\x011\x02').found, undefined)
})
