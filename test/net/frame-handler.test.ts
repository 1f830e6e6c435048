import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, FrameHandler, FrameView } from '../../lib/net/connection.ts'
import { decodeFrame, encodeFrame, writeFrame } from '../../lib/protocol/frame.ts'
import { peekCode } from '../../lib/protocol/peek-code.ts'
import { FLAG_RESPONSE } from '../../lib/protocol/remoting-command.ts'
import { LogLines } from '../support/log-lines.ts'
import { waitFor } from '../support/wait-for.ts'
import { echo, echoFrame, echoHandler, Peer, serve } from './net-harness.ts'

const request = ({ buffer, headerStart, bodyEnd }: FrameView) => decodeFrame(buffer, headerStart - 4, bodyEnd)

/** Answers at the end of the chunk, from the borrowed bytes of its frames; texts that begin with `-` it leaves alone. */
class EndOfChunk implements FrameHandler {
  readonly chunks: number[] = []
  #frames: { opaque: number; body: Buffer }[] = []

  onFrame(_connection: Connection, frame: FrameView): boolean {
    const { opaque, extFields, body } = request(frame)
    if (extFields.get('text') === 'bug') throw new Error('a bug')
    if (extFields.get('text')?.startsWith('-')) return false
    this.#frames.push({ opaque, body })
    return true
  }

  onChunkEnd({ outbox }: Connection): void {
    this.chunks.push(this.#frames.length)
    for (const { opaque, body } of this.#frames.splice(0)) {
      const start = outbox.reserve(1_000 + body.length)
      outbox.commit(start + 100, writeFrame({ code: 0, opaque, flag: FLAG_RESPONSE, body }, outbox.buffer, start + 100))
    }
  }
}

test('hot frames are answered at the end of their chunk, from borrowed bytes, in one write with the others', async () => {
  const hot = new EndOfChunk()
  await using running = await serve([echoHandler], { frameHandlers: new Map([[echo.code, hot]]) })
  using peer = await Peer.connect(running.port)
  const bodies = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1 + index * 7, index))
  const requests = bodies.map((body, index) => echoFrame(index, index % 10 === 0 ? '-' : 'x', body))
  const stream = Buffer.concat(requests)
  for (let at = 0; at < stream.length; at += 100_000) peer.socket.write(stream.subarray(at, at + 100_000))
  const frames = await waitFor('all answers', () => peer.frames().length === 300 && peer.frames())
  for (const { opaque, body } of frames) equal(body.equals(bodies[opaque]!), true, `body of ${opaque}`)
  equal(
    hot.chunks.reduce((sum, count) => sum + count, 0),
    270,
  )
})

test('a hot handler that throws answers SYSTEM_ERROR for that frame only', async () => {
  const logger = new LogLines()
  const frameHandlers = new Map([[echo.code, new EndOfChunk()]])
  await using running = await serve([echoHandler], { logger, frameHandlers })
  using peer = await Peer.connect(running.port)
  peer.socket.write(Buffer.concat([echoFrame(1, 'bug'), echoFrame(2, 'fine')]))
  const frames = await waitFor('two answers', () => peer.frames().length === 2 && peer.frames())
  deepEqual(
    frames.map(({ opaque, code, remark }) => [opaque, code, remark]),
    [
      [1, 1, 'a bug'],
      [2, 0, undefined],
    ],
  )
  deepEqual(logger.errors, ['a handler failed'])
})

test('hot frames before one that is none are answered, also one that came in two pieces', async () => {
  const frameHandlers = new Map([[echo.code, new EndOfChunk()]])
  await using running = await serve([echoHandler], { frameHandlers })
  using peer = await Peer.connect(running.port)
  const body = Buffer.alloc(5_000, 'b')
  const stream = Buffer.concat([echoFrame(2, 'x', body), Buffer.from('0000000a00000006', 'hex'), Buffer.from('{nope}')])
  peer.socket.write(Buffer.concat([echoFrame(1, '-'), stream.subarray(0, 1_000)]))
  await waitFor('the answer to what came with the first piece', () => peer.frames().length === 1)
  peer.socket.write(stream.subarray(1_000))
  await waitFor('the end of the connection', () => peer.closed)
  deepEqual(
    peer.frames().map((frame) => [frame.opaque, frame.code, frame.body.equals(body)]),
    [
      [1, 0, false],
      [2, 0, true],
    ],
  )
})

test('the code of a frame is found in both header forms, and is not guessed in any other', () => {
  const peek = (frame: Buffer, serializeType = frame[4]!) => {
    const headerEnd = 8 + frame.readUIntBE(5, 3)
    return peekCode({
      buffer: frame,
      serializeType,
      headerStart: 8,
      headerEnd,
      bodyStart: headerEnd,
      bodyEnd: frame.length,
    })
  }
  const header = (text: string) => {
    const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(text)])
    bytes.writeInt32BE(bytes.length - 4, 0)
    bytes.writeInt32BE(bytes.length - 8, 4)
    return bytes
  }
  for (const code of [0, 10, 310, 200_050]) equal(peek(encodeFrame({ code, opaque: 1, flag: 0 })), code)
  equal(peek(encodeFrame({ code: 310, opaque: 1, flag: 0, serializeType: 1 })), 310)
  for (const text of [
    '',
    '{',
    '{"code":',
    '{"code":"310"}',
    '{"code":310.5}',
    '{"opaque":{"code":310}}',
    '{"code":-1}',
  ]) {
    equal(peek(header(text)), -1, text)
  }
  for (const text of ['{"code": 310}', '{ "code":310}', '{"opaque":1,"code":310}']) equal(peek(header(text)), 310, text)
})
