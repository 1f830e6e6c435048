import { equal } from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { ManualClock } from '../../support/manual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { echo, echoFrame, echoHandler, serve } from '../net-harness.ts'
import { secureClient, serverTls } from './tls-harness.ts'

const PEERS = 300

/** Numbers in [0, 1) that a seed decides (mulberry32). */
const random = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const end = (socket: Socket, next: () => number, below = socket): void => {
  const way = next()
  if (way < 0.3) socket.destroy()
  else if (way < 0.6) socket.end()
  else if (way < 0.8) below.destroy()
  else below.resetAndDestroy()
}

/** A peer that speaks TLS up to some point and then goes; what it sends may be damaged. */
const disturb = async (port: number, next: () => number): Promise<void> => {
  const socket = connectPlain(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const kind = next()
  if (kind < 0.3) {
    socket.write(Buffer.concat([Buffer.of(0x16, 3, 1), Buffer.from(Array.from({ length: 60 }, () => next() * 256))]))
    if (next() < 0.5) end(socket, next)
    return
  }
  const secure = connect({ socket, rejectUnauthorized: false })
  secure.on('error', () => undefined)
  secure.on('data', () => undefined)
  if (kind < 0.6) {
    setImmediate(() => end(secure, next, socket))
    return
  }
  secure.write(echoFrame(1, 'x', Buffer.alloc(next() * 300_000)))
  secure.once(next() < 0.5 ? 'secureConnect' : 'data', () => {
    if (next() < 0.3) socket.write('not a TLS record')
    else end(secure, next, socket)
  })
}

test('whatever peers do during and after the handshake, nothing of them stays and others are served', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  t.diagnostic(`SEED=${seed}`)
  const next = random(seed)
  const clock = new ManualClock()
  using tls = await serverTls({}, { clock })
  await using running = await serve([echoHandler], { tls, clock })
  for (let peer = 0; peer < PEERS; peer++) {
    await disturb(running.port, next)
    if (next() < 0.1) running.connections[Math.floor(next() * running.connections.length)]?.close('by the test')
    if (next() < 0.02) clock.advance(11_000)
  }
  // Some begin only now, and wait for their time to be over.
  await waitFor('the end of all handshakes', () => {
    clock.advance(11_000)
    return tls.handshakes === 0
  })
  await using client = secureClient()
  equal((await client.invoke(running.address, echo, { text: 'served' })).header.text, 'served')
  await waitFor('nobody left', () => {
    clock.advance(130_000)
    return running.server.connections.size === 0
  })
})
