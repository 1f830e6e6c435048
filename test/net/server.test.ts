import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, FrameHandler, FrameView } from '../../lib/net/connection.ts'
import { handler, ResponseError } from '../../lib/net/handler.ts'
import type { NetError } from '../../lib/net/net-error.ts'
import { command, int32 } from '../../lib/protocol/command.ts'
import { encodeFrame } from '../../lib/protocol/frame.ts'
import { FLAG_ONEWAY } from '../../lib/protocol/remoting-command.ts'
import { LogLines } from '../support/log-lines.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { echo, echoFrame, echoHandler, Peer, serve } from './net-harness.ts'

const plain = command({ code: 902, name: 'PLAIN', request: { number: int32 } })
const MODES = ['buffer', 'events'] as const

for (const receiveMode of MODES) {
  test(`a request is answered with its opaque and text (${receiveMode})`, async () => {
    await using running = await serve([echoHandler], { receiveMode })
    using peer = await Peer.connect(running.port)
    peer.socket.write(echoFrame(7, 'hällo', Buffer.from('body')))
    const [response] = await waitFor('a response', () => peer.frames().length === 1 && peer.frames())
    equal(response!.opaque, 7)
    equal(response!.flag, 1)
    equal(response!.extFields.get('text'), 'hällo')
    equal(response!.body.toString(), 'body')
  })

  test(`a frame that arrives byte by byte is answered (${receiveMode})`, async () => {
    await using running = await serve([echoHandler], { receiveMode })
    using peer = await Peer.connect(running.port)
    for (const byte of Buffer.concat([echoFrame(1, 'a'), echoFrame(2, 'b')])) {
      peer.socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    const frames = await waitFor('two responses', () => peer.frames().length === 2 && peer.frames())
    deepEqual(
      frames.map((frame) => frame.extFields.get('text')),
      ['a', 'b'],
    )
  })

  test(`frames larger than a chunk arrive whole (${receiveMode})`, async () => {
    await using running = await serve([echoHandler], { receiveMode })
    using peer = await Peer.connect(running.port)
    const bodies = [3_000_000, 10, 300_000].map((size, index) => Buffer.alloc(size, index + 65))
    peer.socket.write(Buffer.concat(bodies.map((body, index) => echoFrame(index, 'x', body))))
    const frames = await waitFor('three responses', () => peer.frames().length === 3 && peer.frames())
    for (const [index, body] of bodies.entries()) ok(frames[index]!.body.equals(body))
  })

  test(`a peer that goes away in the middle of a frame leaves nothing behind (${receiveMode})`, async () => {
    await using running = await serve([echoHandler], { receiveMode })
    using peer = await Peer.connect(running.port)
    peer.socket.write(echoFrame(1, 'a').subarray(0, 20))
    await waitFor('the connection', () => running.server.connections.size === 1)
    peer.socket.end()
    await waitFor('its end', () => running.server.connections.size === 0)
  })
}

test('a thousand requests of one chunk leave in one write', async () => {
  const chunks: number[] = []
  const frames: FrameHandler = {
    onFrame: (_connection: Connection, _frame: FrameView) => false,
    onChunkEnd: () => chunks.push(1),
  }
  await using running = await serve([echoHandler], { frameHandlers: new Map([[echo.code, frames]]) })
  using peer = await Peer.connect(running.port)
  await waitFor('the connection', () => running.connections.length === 1)
  const writes = countWrites(running.connections[0]!)
  const requests = Array.from({ length: 1000 }, (_, index) => echoFrame(index, 't'))
  peer.socket.write(Buffer.concat(requests))
  const responses = await waitFor('1,000 responses', () => peer.frames().length === 1000 && peer.frames())
  deepEqual(
    responses.map((response) => response.opaque),
    requests.map((_, index) => index),
  )
  ok(writes() <= chunks.length, `${writes()} writes for ${chunks.length} chunks`)
})

/** Counts buffers handed to the socket by the outbox. */
const countWrites = (connection: Connection): (() => number) => {
  let count = 0
  const outbox = connection.outbox as unknown as { flush: () => void; pendingBytes: number }
  const flush = outbox.flush.bind(outbox)
  outbox.flush = () => {
    if (outbox.pendingBytes > 0) count += 1
    flush()
  }
  return () => count
}

test('answers given later in one tick leave together, each once', async () => {
  const waiting: (() => void)[] = []
  const later = handler(echo, async ({ text }) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return { text }
  })
  await using running = await serve([later])
  using peer = await Peer.connect(running.port)
  peer.socket.write(Buffer.concat([1, 2, 3].map((opaque) => echoFrame(opaque, 'later'))))
  await waitFor('three requests', () => waiting.length === 3)
  const writes = countWrites(running.connections[0]!)
  for (const answer of waiting) answer()
  await waitFor('three responses', () => peer.frames().length === 3)
  equal(writes(), 1)
})

test('errors become response codes: the own one, SYSTEM_ERROR for a bad header and for a bug', async () => {
  const logger = new LogLines()
  const refusing = handler(echo, () => {
    throw new ResponseError('TOPIC_NOT_EXIST', 'no such topic')
  })
  const failing = handler(plain, () => {
    throw new Error('a bug')
  })
  await using running = await serve([refusing, failing], { logger })
  using peer = await Peer.connect(running.port)
  const bad = (opaque: number, number: string) =>
    encodeFrame({ code: plain.code, opaque, flag: 0, extFields: new Map([['number', number]]) })
  peer.socket.write(Buffer.concat([echoFrame(1, 'x'), bad(2, '1'), bad(3, 'one')]))
  const frames = await waitFor('three responses', () => peer.frames().length === 3 && peer.frames())
  deepEqual(
    frames.map(({ code, remark }) => [code, remark]),
    [
      [17, 'no such topic'],
      [1, 'a bug'],
      [1, 'header field number is no int32: one'],
    ],
  )
  deepEqual(logger.errors, ['a handler failed'])
})

test('an unknown request code is answered 3, or not at all where that is the rule', async () => {
  await using speaking = await serve([echoHandler])
  await using silent = await serve([echoHandler], { unknownCode: 'silent' })
  for (const { port } of [speaking, silent]) {
    using peer = await Peer.connect(port)
    peer.socket.write(Buffer.concat([encodeFrame({ code: 77, opaque: 5, flag: 0 }), echoFrame(6, 'after')]))
    const frames = await waitFor('the echo', () => peer.frames().some(({ opaque }) => opaque === 6) && peer.frames())
    if (port === silent.port) deepEqual([frames.length, frames[0]!.opaque], [1, 6])
    else deepEqual([frames[0]!.code, frames[0]!.remark], [3, ' request type 77 not supported'])
  }
})

test('a oneway request gets no response', async () => {
  await using running = await serve([echoHandler])
  using peer = await Peer.connect(running.port)
  peer.socket.write(Buffer.concat([echoFrame(1, 'oneway', undefined, FLAG_ONEWAY), echoFrame(2, 'two')]))
  const frames = await waitFor('a response', () => peer.frames().length > 0 && peer.frames())
  deepEqual(
    frames.map(({ opaque }) => opaque),
    [2],
  )
})

test('bytes that are no frame close the connection, with one clear line, and harm nobody else', async () => {
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4)
    for (const [index, value] of values.entries()) bytes.writeInt32BE(value, index * 4)
    return bytes
  }
  const cases: [string, Buffer, RegExp][] = [
    ['negative length', words(-5, 0), /a frame declares -5 bytes/],
    ['length below its own header word', words(3, 0), /a frame declares 3 bytes/],
    ['frame over the limit', words(16 * 1024 * 1024 - 3, 0), /a frame declares 16777213 bytes, at most/],
    ['header over the limit', words(100_000, 70_000), /a header declares 70000 bytes, at most/],
    ['header longer than the frame', words(50, 60), /a header declares 60 bytes in a frame of 50/],
    ['unknown serialize type', words(50, 0x05000010), /a frame has serialize type 5/],
    ['header that is no JSON', Buffer.concat([words(8, 4), Buffer.from('oops')]), /connection closed/],
    ['TLS', Buffer.from('1603010200010001fc0303', 'hex'), /TLS is not supported/],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /a frame declares \d+ bytes, at most/],
  ]
  const logger = new LogLines()
  await using running = await serve([echoHandler], { logger })
  using good = await Peer.connect(running.port)
  for (const [name, bytes, line] of cases) {
    using peer = await Peer.connect(running.port)
    peer.socket.write(bytes)
    await waitFor(`the end of the connection: ${name}`, () => peer.closed)
    match(logger.warnings.at(-1) ?? '', line, name)
  }
  equal(running.server.faults.closed, cases.length)
  good.socket.write(echoFrame(1, 'fine'))
  await waitFor('the echo', () => good.frames().length === 1)
})

test('random bytes never harm the server', async (context) => {
  const seed = Number(process.env.SEED ?? 20_240_611)
  context.diagnostic(`seed ${seed}`)
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 16
  }
  await using running = await serve([echoHandler])
  for (let round = 0; round < 60; round++) {
    using peer = await Peer.connect(running.port)
    const bytes = Buffer.from(Array.from({ length: 1 + (random() % 2000) }, () => random() & 0xff))
    const framed = round % 2 === 0 ? bytes : Buffer.concat([echoFrame(1, 'x'), bytes])
    if (round % 3 === 0 && framed.length >= 8) framed.writeInt32BE(framed.length - 4, 0)
    peer.socket.end(framed)
    await waitFor('the end of the connection', () => peer.closed)
  }
  using peer = await Peer.connect(running.port)
  peer.socket.write(echoFrame(1, 'fine'))
  await waitFor('the echo', () => peer.frames().length === 1)
  await waitFor('the others gone', () => running.server.connections.size === 1)
})

test('a declared length alone allocates nothing', async () => {
  await using running = await serve([echoHandler])
  const peers = await Promise.all(Array.from({ length: 50 }, () => Peer.connect(running.port)))
  const before = process.memoryUsage().arrayBuffers
  for (const peer of peers) peer.socket.write(Buffer.from('00ff000000000010', 'hex'))
  await waitFor('all connections', () => running.connections.length === 50)
  const grown = process.memoryUsage().arrayBuffers - before
  ok(grown < 4 * 1024 * 1024, `${grown} bytes for 50 declared frames of 16 MB`)
  for (const peer of peers) peer[Symbol.dispose]()
})

test('a frame that is not complete after 30 s closes the connection, however slowly bytes keep coming', async () => {
  const clock = new ManualClock()
  const logger = new LogLines()
  await using running = await serve([echoHandler], { clock, logger })
  using peer = await Peer.connect(running.port)
  const frame = echoFrame(1, 'slow')
  for (let second = 0; second < 35 && !peer.closed; second++) {
    peer.socket.write(frame.subarray(second, second + 1))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(1_000)
  }
  await waitFor('the end of the connection', () => peer.closed)
  deepEqual(logger.warnings, ['connection closed: a frame was not complete after 30000 ms'])
})

test('a frame whose rest we do not read for a while is not late', async () => {
  const clock = new ManualClock()
  let release: (() => void) | undefined
  const slow = handler(echo, async ({ text }) => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return { text }
  })
  await using running = await serve([slow], { clock, limits: { maxRequestsInFlight: 1 } })
  using peer = await Peer.connect(running.port)
  const second = echoFrame(2, 'second')
  peer.socket.write(Buffer.concat([echoFrame(1, 'first'), second.subarray(0, 20)]))
  const releaseFirst = await waitFor('the first request', () => release)
  peer.socket.write(second.subarray(20))
  clock.advance(40_000)
  release = undefined
  releaseFirst()
  await waitFor('the answer', () => peer.frames().length === 1)
  const releaseSecond = await waitFor('the second request', () => release)
  releaseSecond()
  await waitFor('both answers', () => peer.frames().length === 2)
})

test('a connection idle for 120 s is closed, one in use is not', async () => {
  const clock = new ManualClock()
  await using running = await serve([echoHandler], { clock })
  using idle = await Peer.connect(running.port)
  using busy = await Peer.connect(running.port)
  await waitFor('both connections', () => running.connections.length === 2)
  clock.advance(60_000)
  busy.socket.write(echoFrame(1, 'here'))
  await waitFor('the echo', () => busy.frames().length === 1)
  clock.advance(61_000)
  await waitFor('the end of the idle one', () => idle.closed)
  equal(busy.closed, false)
})

test('a port in use is named', async () => {
  await using running = await serve([echoHandler])
  await rejects(
    running.server.listen({ host: '127.0.0.1', port: running.port, handlers: [] }),
    (error: NetError) => error.code === 'NET_PORT_IN_USE' && error.message.includes(`127.0.0.1:${running.port}`),
  )
})

test('several listeners of one server answer with the handlers of each', async () => {
  await using running = await serve([echoHandler])
  const { port } = await running.server.listen({ host: '127.0.0.1', port: 0, handlers: [] })
  using peer = await Peer.connect(port)
  peer.socket.write(echoFrame(1, 'x'))
  const [response] = await waitFor('a response', () => peer.frames().length > 0 && peer.frames())
  equal(response!.code, 3)
  equal(running.server.connections.size, 1)
})

test('connections beyond the cap are closed at once', async () => {
  await using running = await serve([echoHandler], { limits: { maxConnections: 2 } })
  using first = await Peer.connect(running.port)
  using second = await Peer.connect(running.port)
  await waitFor('two connections', () => running.server.connections.size === 2)
  using third = await Peer.connect(running.port)
  await waitFor('the end of the third', () => third.closed)
  deepEqual([first.closed, second.closed, running.server.faults.refused], [false, false, 1])
})

test('stop answers what is in flight, then closes; later requests are not read', async () => {
  let release: (() => void) | undefined
  const later = handler(echo, async ({ text }) => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return { text }
  })
  await using running = await serve([later])
  using peer = await Peer.connect(running.port)
  peer.socket.write(echoFrame(1, 'in flight'))
  await waitFor('the request', () => release)
  const stopped = running.server.stop()
  peer.socket.write(echoFrame(2, 'late'))
  release!()
  await stopped
  await waitFor('the end of the connection', () => peer.closed)
  deepEqual(
    peer.frames().map(({ opaque }) => opaque),
    [1],
  )
})

test('stop does not wait for ever for a request that is never answered', async () => {
  const clock = new ManualClock()
  let asked = false
  const never = handler(echo, () => {
    asked = true
    return new Promise(() => undefined)
  })
  const running = await serve([never], { clock, drainTimeoutMs: 3_000 })
  using peer = await Peer.connect(running.port)
  peer.socket.write(echoFrame(1, 'x'))
  await waitFor('the request', () => asked)
  const stopped = running.server.stop()
  clock.advance(3_000)
  await stopped
  await waitFor('the end of the connection', () => peer.closed)
  equal(clock.timers, 0)
})
