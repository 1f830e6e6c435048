import { randomInt } from 'node:crypto'
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

/** A port nobody listens on, on any interface. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT)
    if (await isFree(port)) return port
  }
}

/** A listen port for a broker: the VIP port (two below) and the HA port (one above) are free as well. */
export const freeBrokerPort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT)
    if ((await isFree(port - 2)) && (await isFree(port)) && (await isFree(port + 1))) return port
  }
}
