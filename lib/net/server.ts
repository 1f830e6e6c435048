import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Stoppable } from '../base/lifecycle.ts'
import type { Logger } from '../base/logging.ts'
import { remoteAddress } from './address.ts'
import type { Connection, FrameHandler, RemoteAddress } from './connection.ts'
import { ConnectionSet } from './connection-set.ts'
import { Dispatcher, type UnknownCodePolicy } from './dispatcher.ts'
import type { Handler } from './handler.ts'
import type { NetLimits } from './limits.ts'
import { type ListenAt, listen } from './listen.ts'
import { type ReceiveMode, receiveAccepted } from './receive.ts'
import type { ServerTls } from './tls/server-tls.ts'

/** What all listeners of one server have in common. */
export interface ServerOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly unknownCode: UnknownCodePolicy
  /** Sees every new connection, before its first request. */
  readonly onConnection?: (connection: Connection) => void
  /** Default 120,000 ms. */
  readonly idleTimeoutMs?: number
  /** Where not named: `DEFAULT_LIMITS`. */
  readonly limits?: Partial<NetLimits>
  /** How long `stop` waits for requests in flight. Default 3,000 ms. */
  readonly drainTimeoutMs?: number
  /** Default `buffer`. */
  readonly receiveMode?: ReceiveMode
  /** TLS on the same ports. Default: there is none. */
  readonly tls?: ServerTls
}

/** One address to listen on (its backlog: 1,024 by default), and who answers there. */
export interface Listener extends ListenAt {
  readonly handlers: readonly Handler[]
  /** Codes taken straight from the receive buffer. Each needs a handler in `handlers` as well. */
  readonly frameHandlers?: ReadonlyMap<number, FrameHandler>
}

const DEFAULT_DRAIN_TIMEOUT_MS = 3_000
const DEFAULT_LISTEN_BACKLOG = 1_024

/** Answers remoting requests on one or more addresses. */
export class RemotingServer implements Stoppable {
  readonly #options: ServerOptions
  readonly #connections: ConnectionSet
  readonly #servers: Server[] = []
  #refused = 0
  #stopping: Promise<void> | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.#connections = new ConnectionSet(options)
  }

  /** Open connections of all listeners. */
  get connections(): Iterable<Connection> & { readonly size: number } {
    return this.#connections
  }

  /** Connections closed because of what the peer did, and those refused because there were too many. */
  get faults(): { readonly closed: number; readonly refused: number } {
    return { closed: this.#connections.faults.count - this.#refused, refused: this.#refused }
  }

  /**
   * Begins to accept connections.
   * @returns the address bound, with the port chosen when 0 was asked for
   * @throws {NetError} `NET_PORT_IN_USE`, `NET_LISTEN_FAILED`, naming host and port
   */
  async listen(listener: Listener): Promise<RemoteAddress> {
    const { handlers, frameHandlers, host, port, backlog = DEFAULT_LISTEN_BACKLOG } = listener
    const { unknownCode, clock, logger } = this.#options
    const dispatcher = new Dispatcher({ handlers, frameHandlers, unknownCode, clock, logger })
    const server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket, dispatcher))
    const bound = await listen(server, { host, port, backlog }, logger)
    this.#servers.push(server)
    return bound
  }

  /**
   * Accepts and reads nothing more, lets requests in flight end within the drain time, then closes every connection.
   * Idempotent; also right before the first `listen`.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const connection of this.#connections) connection.stopReading()
    await this.#drain()
    await this.#connections.close('the server stops')
  }

  async #drain(): Promise<void> {
    const { clock, drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS } = this.#options
    const drained = [...this.#connections].map((connection) => connection.drained())
    await new Promise<void>((resolve) => {
      const timeout = clock.after(drainTimeoutMs, resolve)
      Promise.all(drained).then(() => {
        timeout.cancel()
        resolve()
      })
    })
  }

  #accept(socket: Socket, dispatcher: Dispatcher): void {
    if (this.#stopping !== undefined || this.#connections.size >= this.#connections.limits.maxConnections) {
      this.#refuse(socket)
      return
    }
    const { receiveMode = 'buffer', onConnection, tls } = this.#options
    const connection = this.#connections.add(
      (onBytes) => receiveAccepted(socket, receiveMode, this.#connections.buffer, onBytes),
      dispatcher,
      tls === undefined ? undefined : (connection, chunk, sizeBytes) => tls.admit(connection, chunk, sizeBytes),
    )
    onConnection?.(connection)
  }

  #refuse(socket: Socket): void {
    const { address, port } = remoteAddress(socket.remoteAddress, socket.remotePort)
    socket.on('error', () => undefined)
    socket.destroy()
    if (this.#stopping !== undefined) return
    this.#refused += 1
    const { maxConnections } = this.#connections.limits
    this.#connections.faults.warn({ peer: `${address}:${port}` }, `connection refused: ${maxConnections} are open`)
  }
}
