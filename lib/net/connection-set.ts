import type { Socket } from 'node:net'
import type { Clock, TimerHandle } from '../base/clock.ts'
import type { Logger } from '../base/logging.ts'
import { ThrottledLog } from '../base/throttled-log.ts'
import { BufferPool } from './buffer-pool.ts'
import type { Dispatcher } from './dispatcher.ts'
import { FlushQueue } from './flush-queue.ts'
import { DEFAULT_LIMITS, type NetLimits } from './limits.ts'
import { type OnBytes, receiveBuffer } from './receive.ts'
import { type ConnectionContext, SocketConnection } from './socket-connection.ts'

/** Java's default for servers and clients alike. */
export const DEFAULT_IDLE_TIMEOUT_MS = 120_000
/** One timer looks after all connections; deadlines are met this late at most. */
const CHECK_PERIOD_MS = 1_000

/** Whether the first bytes of a connection, [0, sizeBytes) of `chunk`, are frames in the clear. */
export type Admission = (connection: SocketConnection, chunk: Buffer, sizeBytes: number) => boolean

/** Gives all bytes to `receive` once the first of them were admitted, and none when they were not. */
const afterAdmission = (
  connection: () => SocketConnection | undefined,
  admit: Admission,
  receive: OnBytes,
): OnBytes => {
  const first: OnBytes = (buffer, sizeBytes) => {
    const admitted = connection()
    deliver = admitted !== undefined && admit(admitted, buffer, sizeBytes) ? receive : ignore
    deliver(buffer, sizeBytes)
  }
  let deliver = first
  return (buffer, sizeBytes) => deliver(buffer, sizeBytes)
}

const ignore: OnBytes = () => undefined

/** The live connections of one server or client, the memory they share and the timer that looks after them. */
export class ConnectionSet implements Iterable<SocketConnection> {
  /** What every connection of this set reads into. */
  readonly buffer = receiveBuffer()
  readonly limits: NetLimits
  readonly #context: ConnectionContext
  readonly #connections = new Set<SocketConnection>()
  readonly #checks: TimerHandle

  constructor(parts: {
    clock: Clock
    logger: Logger
    limits?: Partial<NetLimits> | undefined
    idleTimeoutMs?: number | undefined
  }) {
    const { clock, logger, limits, idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS } = parts
    this.limits = { ...DEFAULT_LIMITS, ...limits }
    this.#context = {
      clock,
      logger,
      limits: this.limits,
      idleTimeoutMs,
      pool: new BufferPool(),
      flushes: new FlushQueue(),
      faults: new ThrottledLog(clock, logger),
    }
    this.#checks = clock.every(CHECK_PERIOD_MS, () => this.#checkDeadlines())
  }

  get size(): number {
    return this.#connections.size
  }

  /** Warnings about peers, counted and throttled. */
  get faults(): ThrottledLog {
    return this.#context.faults
  }

  /**
   * Makes a connection of a socket that `open` gives; the bytes that `open` is told to pass on are the connection's.
   * @param admit sees the first bytes; the connection gets none from this socket when it returns false
   */
  add(open: (onBytes: OnBytes) => Socket, dispatcher: Dispatcher, admit?: Admission): SocketConnection {
    let connection: SocketConnection | undefined
    const receive: OnBytes = (buffer, sizeBytes) => connection?.receive(buffer, sizeBytes)
    const socket = open(admit === undefined ? receive : afterAdmission(() => connection, admit, receive))
    connection = new SocketConnection(socket, this.#context, dispatcher)
    const added = connection
    this.#connections.add(added)
    added.onClose(() => this.#connections.delete(added))
    return added
  }

  [Symbol.iterator](): Iterator<SocketConnection> {
    return this.#connections.values()
  }

  /** Closes all and resolves when the last is gone: a second at most. No deadline is looked at any more. */
  async close(reason: string): Promise<void> {
    this.#checks.cancel()
    const gone = [...this.#connections].map(
      (connection) => new Promise<void>((resolve) => connection.onClose(() => resolve())),
    )
    for (const connection of this.#connections) connection.close(reason)
    await Promise.all(gone)
  }

  #checkDeadlines(): void {
    const now = this.#context.clock.monotonicMs()
    for (const connection of this.#connections) connection.checkDeadlines(now)
  }
}
