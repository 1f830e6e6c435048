import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../../lib/base/clock.ts'
import { silentLogger } from '../../lib/base/logging.ts'
import { RemotingClient } from '../../lib/net/client.ts'
import { type Handler, handler, ResponseError } from '../../lib/net/handler.ts'
import type { NetError, RemoteError } from '../../lib/net/net-error.ts'
import type { SocketConnection } from '../../lib/net/socket-connection.ts'
import { encodeFrame } from '../../lib/protocol/frame.ts'
import { FLAG_RESPONSE } from '../../lib/protocol/remoting-command.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { freePort } from '../support/ports.ts'
import { waitFor } from '../support/wait-for.ts'
import { echo, echoFrame, echoHandler, Peer, serve } from './net-harness.ts'

const dial = (options: Partial<ConstructorParameters<typeof RemotingClient>[0]> = {}) => {
  const client = new RemotingClient({ clock: systemClock, logger: silentLogger, ...options })
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.stop() })
}

const never: Handler = handler(echo, () => new Promise(() => undefined))
const withCode = (code: string) => (error: NetError) => error.code === code && error.retryable

for (const receiveMode of ['buffer', 'events'] as const) {
  test(`many requests at once share one connection and find their own responses (${receiveMode})`, async () => {
    await using running = await serve([echoHandler])
    await using client = dial({ receiveMode })
    const texts = Array.from({ length: 500 }, (_, index) => `text ${index}`)
    const answers = await Promise.all(texts.map((text) => client.invoke(running.address, echo, { text })))
    deepEqual(
      answers.map((answer) => answer.header.text),
      texts,
    )
    equal(running.connections.length, 1)
  })
}

test('an answer other than success is a typed error, unless the caller accepts it', async () => {
  const refusing = handler(echo, () => {
    throw new ResponseError('QUERY_NOT_FOUND', 'nothing here')
  })
  await using running = await serve([refusing])
  await using client = dial()
  await rejects(
    client.invoke(running.address, echo, { text: 'x' }),
    (error: RemoteError) =>
      error.responseCode === 22 &&
      error.remark === 'nothing here' &&
      error.message.includes('ECHO') &&
      !error.retryable,
  )
  const answer = await client.invoke(running.address, echo, { text: 'x' }, { accept: ['QUERY_NOT_FOUND'] })
  equal(answer.code, 22)
})

test('nobody at the address is a retryable error, and the next use dials again', async () => {
  const port = await freePort()
  await using client = dial()
  const address = `127.0.0.1:${port}`
  await rejects(client.invoke(address, echo, { text: 'x' }), withCode('NET_CONNECT_FAILED'))
  deepEqual(client.addresses, [])
  await rejects(
    client.invoke('nowhere', echo, { text: 'x' }),
    (error: NetError) => error.code === 'NET_ADDRESS_INVALID',
  )
})

test('a lost connection fails what waits on it and is dialled again at the next use', async () => {
  await using client = dial()
  await using running = await serve([never], { drainTimeoutMs: 1 })
  const lost = client.invoke(running.address, echo, { text: 'x' }, { timeoutMs: 10_000 })
  const failed = rejects(lost, withCode('NET_CLOSED'))
  await waitFor('the connection', () => running.connections.length === 1)
  running.connections[0]!.close('test')
  await failed
  await waitFor('the loss noticed', () => client.addresses.length === 0)
  await rejects(client.invoke(running.address, echo, { text: 'x' }, { timeoutMs: 50 }), withCode('NET_TIMEOUT'))
  equal(running.connections.length, 2)
})

test('timeouts leave nothing in the opaque table, and a late response is dropped and counted', async () => {
  const clock = new ManualClock()
  await using running = await serve([echoHandler], { clock })
  using peer = await Peer.connect(running.port)
  await waitFor('the connection', () => running.connections.length === 1)
  const connection = running.connections[0] as SocketConnection
  const timers = clock.timers
  const asked = Array.from({ length: 100 }, (_, index) => connection.request({ code: 40 }, 1_000 + index))
  const outcomes = Promise.allSettled(asked)
  equal(connection.responses.size, 100)
  equal(clock.timers, timers + 1, 'one timer for all')
  await waitFor('the requests', () => peer.frames().length === 100)
  clock.advance(500)
  const opaques = peer.frames().map((frame) => frame.opaque)
  equal(new Set(opaques).size, 100)
  peer.socket.write(encodeFrame({ code: 0, opaque: opaques[3]!, flag: FLAG_RESPONSE }))
  await asked[3]
  clock.advance(1_000)
  const codes = (await outcomes).map((outcome) => (outcome.status === 'fulfilled' ? 'answered' : outcome.reason.code))
  deepEqual(
    codes,
    [...asked.keys()].map((index) => (index === 3 ? 'answered' : 'NET_TIMEOUT')),
  )
  deepEqual([connection.responses.size, clock.timers], [0, timers])
  peer.socket.write(encodeFrame({ code: 0, opaque: opaques[4]!, flag: FLAG_RESPONSE }))
  await waitFor('the late response', () => connection.responses.unmatched === 1)
})

test('a server can ask its client on the same connection', async () => {
  await using running = await serve([echoHandler])
  await using client = dial({ handlers: [echoHandler] })
  await client.invoke(running.address, echo, { text: 'hello' })
  const response = await running.connections[0]!.request(
    { code: echo.code, extFields: new Map([['text', 'push']]) },
    5_000,
  )
  equal(response.extFields.get('text'), 'push')
  const refused = await running.connections[0]!.request({ code: 4_711 }, 5_000)
  equal(refused.code, 3)
})

test('an address that accepts and says nothing costs the caller no more than its timeout', async () => {
  const clock = new ManualClock()
  let receivedBytes = 0
  const silent = createServer((socket) => {
    socket.on('data', (chunk) => {
      receivedBytes += chunk.length
    })
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as { port: number }
  const client = dial({ clock })
  const asked = rejects(client.invoke(`127.0.0.1:${port}`, echo, { text: 'x' }), withCode('NET_TIMEOUT'))
  await waitFor('the request', () => receivedBytes > 0)
  clock.advance(3_100)
  await asked
  await client.stop()
  silent.close()
})

test('a stopped client fails what waits and dials no more', async () => {
  await using running = await serve([never], { drainTimeoutMs: 1 })
  const client = dial()
  const asked = rejects(
    client.invoke(running.address, echo, { text: 'x' }, { timeoutMs: 10_000 }),
    withCode('NET_CLOSED'),
  )
  await waitFor('the connection', () => running.connections.length === 1)
  await client.stop()
  await asked
  await rejects(client.invoke(running.address, echo, { text: 'x' }), (error: NetError) => error.code === 'NET_CLOSED')
})

test('a peer that does not read its answers is not read from, and is given up in the end', async () => {
  const clock = new ManualClock()
  const big = Buffer.alloc(1024 * 1024, 1)
  const flooding = handler(echo, ({ text }, { connection, request }) => {
    connection.send({ code: 0, opaque: request.opaque, flag: FLAG_RESPONSE, body: big })
    return text === 'last' ? { text } : undefined
  })
  const limits = { backlogPauseBytes: 4 * 1024 * 1024, backlogCloseBytes: 16 * 1024 * 1024 }
  await using running = await serve([flooding], { clock, limits })
  using slow = await Peer.connect(running.port)
  slow.socket.pause()
  const send = (count: number) =>
    slow.socket.write(Buffer.concat(Array.from({ length: count }, () => echoFrame(1, 'x'))))
  send(12)
  await waitFor('the connection', () => running.connections.length === 1)
  const connection = running.connections[0] as SocketConnection
  await waitFor('a pause', () => !connection.isReading)
  ok(connection.backlogBytes > limits.backlogPauseBytes)
  slow.socket.resume()
  await waitFor('reading again', () => connection.isReading)
  await waitFor('all answers', () => slow.frames().length === 12)
  slow.socket.pause()
  send(60)
  await waitFor('a large backlog', () => connection.backlogBytes > limits.backlogCloseBytes)
  clock.advance(9_000)
  equal(connection.closed, false)
  clock.advance(3_000)
  equal(connection.closed, true)
  await waitFor('the end of the connection', () => running.server.connections.size === 0)
})

test('too many requests in flight pause reading until half of them have ended', async () => {
  const waiting: (() => void)[] = []
  const later = handler(echo, async ({ text }) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return { text }
  })
  await using running = await serve([later], { limits: { maxRequestsInFlight: 10 } })
  using peer = await Peer.connect(running.port)
  for (let opaque = 0; opaque < 10; opaque++) peer.socket.write(echoFrame(opaque, 'x'))
  await waitFor('ten requests', () => waiting.length === 10)
  const connection = running.connections[0] as SocketConnection
  equal(connection.isReading, false)
  peer.socket.write(echoFrame(10, 'eleventh'))
  for (const answer of waiting.splice(0, 6)) answer()
  await waitFor('six answers', () => peer.frames().length === 6)
  equal(connection.isReading, true)
  await waitFor('the eleventh', () => waiting.length === 5)
  for (const answer of waiting.splice(0)) answer()
})

test('large requests and their large answers may cross: neither side waits for the other', async () => {
  await using running = await serve([echoHandler])
  await using client = dial()
  const body = Buffer.alloc(8 * 1024 * 1024)
  const asked = [1, 2, 3, 4].map((n) => client.invoke(running.address, echo, { text: `${n}` }, { body }))
  for (const answer of await Promise.all(asked)) equal(answer.body.length, body.length)
})
