import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import type { Stoppable } from '../base/lifecycle.ts'
import type { Logger } from '../base/logging.ts'
import { type Command, decodeHeader, encodeHeader, type RequestOf, type ResponseOf } from '../protocol/command.ts'
import type { RemotingCommand } from '../protocol/remoting-command.ts'
import { ResponseCode, type ResponseCodeName } from '../protocol/response-codes.ts'
import { parseAddress } from './address.ts'
import type { Connection, OutgoingRequest } from './connection.ts'
import { ConnectionSet } from './connection-set.ts'
import { Dispatcher } from './dispatcher.ts'
import type { Handler } from './handler.ts'
import type { NetLimits } from './limits.ts'
import { NetError, RemoteError } from './net-error.ts'
import { type OnBytes, type ReceiveMode, receiveDialled } from './receive.ts'
import { type ClientTls, dialSecurely } from './tls/client-tls.ts'

export interface ClientOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Answer what servers ask of us on our connections. Default none: such requests get REQUEST_CODE_NOT_SUPPORTED. */
  readonly handlers?: readonly Handler[]
  /** Default 3,000 ms. */
  readonly connectTimeoutMs?: number
  /** Default 120,000 ms. */
  readonly idleTimeoutMs?: number
  /** Where not named: `DEFAULT_LIMITS`. */
  readonly limits?: Partial<NetLimits>
  /** Default `buffer`. Says nothing about TLS. */
  readonly receiveMode?: ReceiveMode
  /** Default: connections are plain. */
  readonly tls?: ClientTls | undefined
}

/** How one call differs from the usual. */
export interface InvokeOptions {
  readonly body?: Buffer
  /** Dialling included. Default 3,000 ms. */
  readonly timeoutMs?: number
  /** Response codes that are no errors besides SUCCESS. */
  readonly accept?: readonly ResponseCodeName[]
}

/** A successful response. */
export interface Invoked<C extends Command> {
  readonly code: number
  readonly header: ResponseOf<C>
  /** Our own copy; empty when the response has none. */
  readonly body: Buffer
  readonly remark: string | undefined
  /** Version ordinal of the peer. */
  readonly version: number
}

const DEFAULT_CONNECT_TIMEOUT_MS = 3_000
const DEFAULT_REQUEST_TIMEOUT_MS = 3_000
/** Servers stop reading from those who do not read their answers; would clients do so too, both could wait for ever. */
const READ_ALWAYS: Partial<NetLimits> = { backlogPauseBytes: Number.POSITIVE_INFINITY }

/** Requests to servers: one connection per address for all requests in flight, dialled at first use and after a loss. */
export class RemotingClient implements Stoppable {
  readonly #options: ClientOptions
  readonly #connections: ConnectionSet
  readonly #dispatcher: Dispatcher
  readonly #byAddress = new Map<string, Promise<Connection>>()
  /** Those of `#byAddress` that stand: no promise to wait for. */
  readonly #open = new Map<string, Connection>()
  readonly #dialling = new Set<Socket>()
  #stopped = false

  constructor(options: ClientOptions) {
    const { handlers = [], clock, logger } = options
    this.#options = options
    this.#connections = new ConnectionSet({ ...options, limits: { ...READ_ALWAYS, ...options.limits } })
    this.#dispatcher = new Dispatcher({ handlers, unknownCode: 'answer-not-supported', clock, logger })
  }

  /** Addresses with a connection, or a dial under way. */
  get addresses(): readonly string[] {
    return [...this.#byAddress.keys()]
  }

  /**
   * The connection to `host:port`, dialled when there is none.
   * @throws {NetError} `NET_CONNECT_FAILED` (retryable), `NET_ADDRESS_INVALID`, `NET_CLOSED` after `stop`; with TLS
   * `NET_TLS_FAILED`, `NET_TLS_FILE_INVALID`, `NET_TLS_CONFIG_INVALID`
   */
  connection(address: string): Promise<Connection> {
    const existing = this.#byAddress.get(address)
    if (existing !== undefined) return existing
    const dialled = this.#dial(address)
    this.#byAddress.set(address, dialled)
    const forget = (): void => {
      if (this.#byAddress.get(address) !== dialled) return
      this.#byAddress.delete(address)
      this.#open.delete(address)
    }
    dialled.then((connection) => {
      this.#open.set(address, connection)
      connection.onClose(forget)
    }, forget)
    return dialled
  }

  /**
   * Sends a request and waits for its response, whatever its code.
   * @param timeoutMs dialling included
   * @throws {NetError} `NET_CONNECT_FAILED`, `NET_TIMEOUT`, `NET_CLOSED` (all retryable), `NET_ADDRESS_INVALID`
   */
  async request(address: string, command: OutgoingRequest, timeoutMs: number): Promise<RemotingCommand> {
    const open = this.#open.get(address)
    if (open !== undefined) return open.request(command, timeoutMs)
    const { clock } = this.#options
    const startedAt = clock.monotonicMs()
    const connection = await this.#connectedWithin(address, timeoutMs)
    return connection.request(command, Math.max(1, timeoutMs - (clock.monotonicMs() - startedAt)))
  }

  /**
   * Sends a request that has no response. Resolved = handed to the connection.
   * @throws {NetError} `NET_CONNECT_FAILED` (retryable), `NET_ADDRESS_INVALID`
   */
  async oneway(address: string, command: OutgoingRequest): Promise<void> {
    const connection = await this.connection(address)
    connection.oneway(command)
  }

  /**
   * Sends a command with its typed header and reads the typed response header.
   * @throws {RemoteError} when the peer answers a code other than SUCCESS and those in `accept`
   * @throws {NetError} as `request`
   * @throws {HeaderError} when the response header is not what the command's table says
   */
  async invoke<C extends Command>(
    address: string,
    command: C,
    header: RequestOf<C>,
    options: InvokeOptions = {},
  ): Promise<Invoked<C>> {
    const { body, timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS, accept = [] } = options
    const response = await this.request(address, outgoing(command, header, body), timeoutMs)
    const { code, remark, version } = response
    if (code !== ResponseCode.SUCCESS && !accept.some((name) => ResponseCode[name] === code)) {
      throw new RemoteError(address, command.name, code, remark)
    }
    const responseHeader = decodeHeader(command.response, response.extFields) as ResponseOf<C>
    return { code, header: responseHeader, body: response.body, remark, version }
  }

  /** Like `oneway`, with a typed header. */
  invokeOneway<C extends Command>(address: string, command: C, header: RequestOf<C>, body?: Buffer): Promise<void> {
    return this.oneway(address, outgoing(command, header, body))
  }

  /** Closes the connection to one address, if there is one; the next use dials again. */
  async disconnect(address: string, reason: string): Promise<void> {
    const connection = this.#byAddress.get(address)
    this.#byAddress.delete(address)
    this.#open.delete(address)
    await connection?.then(
      (open) => open.close(reason),
      () => undefined,
    )
  }

  /** Closes all connections; requests in flight fail with `NET_CLOSED`. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const socket of this.#dialling) socket.destroy()
    await this.#connections.close('the client stops')
  }

  /** The dial goes on when the caller's time is over: the next caller may find it done. */
  #connectedWithin(address: string, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const timeout = this.#options.clock.after(timeoutMs, () => {
        reject(new NetError('NET_TIMEOUT', `dialling ${address} took all of ${timeoutMs} ms`, { retryable: true }))
      })
      this.connection(address)
        .finally(() => timeout.cancel())
        .then(resolve, reject)
    })
  }

  async #dial(address: string): Promise<Connection> {
    if (this.#stopped) throw stopped(address)
    const to = parseAddress(address)
    const { clock, receiveMode = 'buffer', connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, tls } = this.#options
    const secure = await tls?.options()
    if (this.#stopped) throw stopped(address)
    let deliver: OnBytes = () => undefined
    const onBytes: OnBytes = (buffer, size) => deliver(buffer, size)
    const socket =
      secure === undefined
        ? receiveDialled(to, receiveMode, this.#connections.buffer, onBytes)
        : dialSecurely(to, secure, onBytes)
    this.#dialling.add(socket)
    const timeout = clock.after(connectTimeoutMs, () =>
      socket.destroy(new Error(`no answer in ${connectTimeoutMs} ms`)),
    )
    try {
      await connected(socket, secure === undefined ? 'connect' : 'secureConnect')
      return this.#connections.add((onBytes) => {
        deliver = onBytes
        return socket
      }, this.#dispatcher)
    } catch (cause) {
      throw dialFailure(address, cause)
    } finally {
      timeout.cancel()
      this.#dialling.delete(socket)
    }
  }
}

const outgoing = <C extends Command>(command: C, header: RequestOf<C>, body: Buffer | undefined): OutgoingRequest => ({
  code: command.code,
  extFields: encodeHeader(command.request, header as never, command.wireNames),
  ...(body === undefined ? {} : { body }),
})

const stopped = (address: string): NetError =>
  new NetError('NET_CLOSED', `the client is stopped: no connection to ${address}`)

/** Errors of the handshake come from TLS itself or from looking at the certificate; all others from the network. */
const dialFailure = (address: string, cause: unknown): NetError => {
  const code = String((cause as NodeJS.ErrnoException).code ?? '')
  const isTls = code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || CERTIFICATE_ERROR.test(code)
  if (isTls) return new NetError('NET_TLS_FAILED', `no TLS with ${address}: ${errorText(cause)}`, { cause })
  return new NetError('NET_CONNECT_FAILED', `cannot connect to ${address}: ${errorText(cause)}`, {
    retryable: true,
    cause,
  })
}

/** Node's names for what X.509 verification finds, and for bytes that are no TLS. */
const CERTIFICATE_ERROR =
  /^EPROTO$|CERT|ISSUER|SIGNATURE|CRL|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH/

/** Resolves at the event; a socket destroyed without an error rejects as well. */
const connected = async (socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> => {
  const closed = once(socket, 'close').then(() => {
    throw new Error('closed while dialling')
  })
  closed.catch(() => undefined)
  await Promise.race([once(socket, event), closed])
}
