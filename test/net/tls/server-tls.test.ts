import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { connect as connectSecurely } from 'node:tls'
import { silentLogger } from '../../../lib/base/logging.ts'
import type { NetError } from '../../../lib/net/net-error.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { echo, echoFrame, echoHandler, Peer, serve } from '../net-harness.ts'
import { plainClient, secureClient, secureSocket, serverTls } from './tls-harness.ts'

const withCode = (code: string) => (error: NetError) => error.code === code

/** A logger that keeps its warnings. */
const recordingLogger = () => {
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: unknown, message: string) => void warnings.push(message) }
  return { warnings, logger }
}

/** The ClientHello that Node would send, caught on its way. */
const clientHello = async (): Promise<Buffer> => {
  const catcher = createServer()
  catcher.listen(0, '127.0.0.1')
  await once(catcher, 'listening')
  const { port } = catcher.address() as { port: number }
  const dialled = connectSecurely({ port, host: '127.0.0.1' })
  dialled.on('error', () => undefined)
  const [socket] = await once(catcher, 'connection')
  const [hello] = await once(socket, 'data')
  socket.destroy()
  catcher.close()
  return hello
}

for (const receiveMode of ['buffer', 'events'] as const) {
  test(`a permissive port serves TLS and plain connections side by side (${receiveMode})`, async () => {
    using tls = await serverTls()
    await using running = await serve([echoHandler], { tls, receiveMode })
    await using secure = secureClient()
    await using plain = plainClient()
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`)
    for (const client of [secure, plain]) {
      const answers = await Promise.all(texts.map((text) => client.invoke(running.address, echo, { text })))
      deepEqual(
        answers.map(({ header }) => header.text),
        texts,
      )
    }
    deepEqual([running.connections.length, tls.handshakes, running.server.faults.closed], [2, 0, 0])
  })

  test(`bodies of several MB come through TLS whole in both directions (${receiveMode})`, async () => {
    using tls = await serverTls()
    await using running = await serve([echoHandler], { tls, receiveMode })
    await using client = secureClient()
    const body = Buffer.alloc(6 * 1024 * 1024)
    for (let at = 0; at < body.length; at += 4) body.writeUInt32BE((at * 2_654_435_761) >>> 0, at)
    const bodies = await Promise.all(
      [1, 2, 3].map(async (n) => (await client.invoke(running.address, echo, { text: `${n}` }, { body })).body),
    )
    for (const received of bodies) ok(received.equals(body))
  })

  test(`a handshake that arrives byte by byte is one (${receiveMode})`, async () => {
    using tls = await serverTls()
    await using running = await serve([echoHandler], { tls, receiveMode })
    // A relay that passes every byte on alone.
    const relay = createServer((near) => {
      const far = connect(running.port, '127.0.0.1').setNoDelay(true)
      near.on('data', (chunk) => {
        for (const byte of chunk) far.write(Buffer.of(byte))
      })
      far.on('data', (chunk) => near.write(chunk))
      far.on('error', () => near.destroy()).on('close', () => near.destroy())
      near.on('error', () => far.destroy()).on('close', () => far.destroy())
    })
    relay.listen(0, '127.0.0.1')
    await once(relay, 'listening')
    const { port } = relay.address() as { port: number }
    const socket = await secureSocket(port)
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    socket.write(echoFrame(1, 'split'))
    await waitFor('the answer', () => Buffer.concat(received).includes('split'))
    socket.destroy()
    relay.close()
  })
}

test('requests sent right behind the handshake are answered in order', async () => {
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls })
  const socket = connectSecurely({ host: '127.0.0.1', port: running.port, rejectUnauthorized: false })
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  socket.write(Buffer.concat([echoFrame(1, 'first'), echoFrame(2, 'second')]))
  await waitFor('both answers', () => Buffer.concat(received).includes('second'))
  const all = Buffer.concat(received)
  ok(all.indexOf('first') < all.indexOf('second'))
  socket.destroy()
})

test('an enforcing port closes plain connections and says why in the log', async () => {
  const { logger, warnings } = recordingLogger()
  using tls = await serverTls({ 'tls.server.mode': 'enforcing' })
  await using running = await serve([echoHandler], { tls, logger })
  await using secure = secureClient()
  await using plain = plainClient()
  equal((await secure.invoke(running.address, echo, { text: 'in' })).header.text, 'in')
  await rejects(plain.invoke(running.address, echo, { text: 'out' }), withCode('NET_CLOSED'))
  match(warnings.join(), /not TLS, and tls\.server\.mode is enforcing/)
  equal(running.server.faults.closed, 1)
})

test('a disabled port closes TLS connections and serves plain ones', async () => {
  const { logger, warnings } = recordingLogger()
  using tls = await serverTls({ 'tls.server.mode': 'disabled' })
  await using running = await serve([echoHandler], { tls, logger })
  await using secure = secureClient()
  await using plain = plainClient()
  equal((await plain.invoke(running.address, echo, { text: 'in' })).header.text, 'in')
  await rejects(
    secure.invoke(running.address, echo, { text: 'out' }),
    (error: NetError) => error.code === 'NET_CONNECT_FAILED' && error.retryable,
  )
  match(warnings.join(), /tls\.server\.mode is disabled/)
})

test('what begins like TLS and is none is closed, and leaves nothing behind', async () => {
  const { logger, warnings } = recordingLogger()
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls, logger })
  using peer = await Peer.connect(running.port)
  peer.socket.write(Buffer.concat([Buffer.of(0x16), Buffer.alloc(200, 7)]))
  await waitFor('the end', () => peer.closed)
  await waitFor('the connection to be forgotten', () => running.server.connections.size === 0)
  equal(tls.handshakes, 0)
  match(warnings.join(), /TLS handshake failed/)
})

test('a handshake that never ends is given up after ten seconds', async () => {
  const clock = new ManualClock()
  using tls = await serverTls({}, { clock })
  await using running = await serve([echoHandler], { tls, clock })
  using first = await Peer.connect(running.port)
  using second = await Peer.connect(running.port)
  first.socket.write(Buffer.of(0x16))
  second.socket.write((await clientHello()).subarray(0, 40))
  await waitFor('both handshakes', () => tls.handshakes === 2)
  clock.advance(9_000)
  equal(running.server.connections.size, 2)
  // Another byte buys no time.
  first.socket.write(Buffer.of(3))
  clock.advance(2_000)
  await waitFor('the end of both', () => first.closed && second.closed)
  deepEqual([tls.handshakes, running.server.faults.closed], [0, 2])
})

test('peers that leave in the middle of the handshake are forgotten, half-closed or reset', async () => {
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls })
  const hello = await clientHello()
  using halfClosed = await Peer.connect(running.port)
  using reset = await Peer.connect(running.port)
  halfClosed.socket.end(hello.subarray(0, 100))
  reset.socket.write(hello)
  await waitFor('the handshake', () => reset.received.length > 0)
  reset.socket.resetAndDestroy()
  await waitFor('nobody left', () => running.server.connections.size === 0 && tls.handshakes === 0)
  equal((await secureClientOnce(running.address)).header.text, 'still here')
})

const secureClientOnce = async (address: string) => {
  await using client = secureClient()
  return await client.invoke(address, echo, { text: 'still here' })
}

test('more handshakes at once than the limit are closed', async () => {
  const { logger, warnings } = recordingLogger()
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls, logger, limits: { maxTlsHandshakes: 2 } })
  const peers = await Promise.all([1, 2, 3].map(() => Peer.connect(running.port)))
  for (const peer of peers) peer.socket.write(Buffer.of(0x16))
  await waitFor('one to be closed', () => peers.filter((peer) => peer.closed).length === 1)
  equal(tls.handshakes, 2)
  match(warnings.join(), /2 TLS handshakes are under way/)
  for (const peer of peers) peer[Symbol.dispose]()
})

test('a server that stops ends handshakes under way as well', async () => {
  using tls = await serverTls()
  const running = await serve([echoHandler], { tls })
  using peer = await Peer.connect(running.port)
  peer.socket.write((await clientHello()).subarray(0, 10))
  await waitFor('the handshake', () => tls.handshakes === 1)
  await running.server.stop()
  await waitFor('the end', () => peer.closed)
})

test('a client that ends its TLS connection ends ours', async () => {
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls })
  const socket = await secureSocket(running.port)
  await waitFor('the connection', () => running.server.connections.size === 1)
  socket.end()
  await waitFor('the end', () => running.server.connections.size === 0)
})

test('an idle TLS connection is closed like a plain one', async () => {
  const clock = new ManualClock()
  using tls = await serverTls({}, { clock })
  await using running = await serve([echoHandler], { tls, clock })
  const socket = await secureSocket(running.port)
  await waitFor('the handshake', () => tls.handshakes === 0 && running.server.connections.size === 1)
  clock.advance(121_000)
  socket.resume()
  await once(socket, 'close')
  await waitFor('the end', () => running.server.connections.size === 0)
})

test('a server can ask its client over TLS', async () => {
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls })
  await using client = secureClient()
  await client.invoke(running.address, echo, { text: 'x' })
  const refused = await running.connections[0]!.request({ code: 4_711 }, 5_000)
  equal(refused.code, 3)
})

test('a peer that reads nothing is not read from either, over TLS', async () => {
  using tls = await serverTls()
  await using running = await serve([echoHandler], { tls, limits: { backlogPauseBytes: 64 * 1024 } })
  const socket = await secureSocket(running.port)
  socket.pause()
  const body = Buffer.alloc(512 * 1024, 1)
  const connection = running.connections[0]! as unknown as { isReading: boolean }
  for (let n = 0; n < 100 && connection.isReading; n++) {
    socket.write(echoFrame(n, 'x', body))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await waitFor('the pause', () => !connection.isReading)
  socket.resume()
  await waitFor('reading again', () => connection.isReading)
  socket.destroy()
})
