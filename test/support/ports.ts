import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Below the range from which the kernel takes the local ports of outgoing connections. */
const FIRST_PORT = 20_000
const LAST_PORT = 31_000

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })

/**
 * Whether no other test process has been given the port: each holds the UDP port of the same number until it ends, since
 * between the choice of a port and somebody's listening on it seconds may pass.
 */
const claim = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind({ port, exclusive: true }, () => {
      socket.unref()
      resolve(true)
    })
  })

/** Claimed first: who else asks for it is refused, however briefly it is listened on here. */
const isOurs = async (port: number): Promise<boolean> => (await claim(port)) && (await isFree(port))

/** A port nobody listens on, on any interface, and no other test will be given. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT)
    if (await isOurs(port)) return port
  }
}

/** A listen port for a broker: the VIP port (two below) and the HA port (one above) are free as well. */
export const freeBrokerPort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT)
    if ((await isOurs(port - 2)) && (await isOurs(port)) && (await isOurs(port + 1))) return port
  }
}
