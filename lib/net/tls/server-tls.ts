import type { Socket } from 'node:net'
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { errorText } from '../../base/errors.ts'
import type { Stoppable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import { remoteAddress } from '../address.ts'
import type { RemoteAddress } from '../connection.ts'
import type { SocketConnection } from '../socket-connection.ts'
import { FileWatch } from './file-watch.ts'
import { readIdentity, readIssuers } from './identity.ts'
import { makeSelfSigned } from './self-signed.ts'
import type { IdentityFiles, TlsMode, TlsServerSettings } from './tls-settings.ts'

/** First byte of a TLS handshake. As the first byte of a frame's length it would mean 369 MB. */
const HANDSHAKE_BYTE = 0x16
const WATCH_PERIOD_MS = 1_000
const COMMON_NAME = 'apogeemq'

/** What the TLS side of a server needs. */
export interface ServerTlsParts {
  readonly mode: TlsMode
  /** Read at the start and again when one of the files changed. */
  readonly settings: () => Promise<{ readonly server: TlsServerSettings; readonly configFile: string | undefined }>
  readonly clock: Clock
  readonly logger: Logger
}

/** A connection by both its ends: the TLS socket that Node makes of it is recognised by them. */
const endsOf = (remote: RemoteAddress, local: RemoteAddress): string =>
  `${remote.address} ${remote.port} ${local.address} ${local.port}`

const endsOfSocket = (socket: TLSSocket): string =>
  endsOf(remoteAddress(socket.remoteAddress, socket.remotePort), remoteAddress(socket.localAddress, socket.localPort))

const filesOf = (settings: TlsServerSettings, configFile: string | undefined): string[] => {
  const identity: Partial<IdentityFiles> = settings.identity ?? {}
  return [configFile, identity.certPath, identity.keyPath, settings.trustCertPath].filter((path) => path !== undefined)
}

/**
 * TLS on the ports of plain connections: the first byte of a connection decides. Plain connections go on as if this was
 * not here. Certificates are read again when their files change; a change that is no good leaves the last good ones.
 */
export class ServerTls implements Stoppable {
  readonly #parts: ServerTlsParts
  readonly #faults: ThrottledLog
  readonly #handshakes = new Map<string, SocketConnection>()
  /** Makes TLS of sockets given to it, and never listens. Undefined: not needed so far. */
  #server: Promise<TlsServer> | undefined
  #watch: FileWatch | undefined

  private constructor(parts: ServerTlsParts) {
    this.#parts = parts
    this.#faults = new ThrottledLog(parts.clock, parts.logger)
  }

  /**
   * Reads and checks what is configured. Where nothing is, a certificate is made at the first TLS connection.
   * @throws {NetError} `NET_TLS_CONFIG_INVALID`, `NET_TLS_FILE_INVALID`
   */
  static async start(parts: ServerTlsParts): Promise<ServerTls> {
    const tls = new ServerTls(parts)
    if (parts.mode === 'disabled') return tls
    const { server, configFile } = await parts.settings()
    const files = filesOf(server, configFile)
    if (files.length > 0) {
      tls.#watch = new FileWatch(parts.clock, WATCH_PERIOD_MS, () => tls.#reload())
      await tls.#watch.watch(files)
    }
    if (server.identity !== undefined) {
      tls.#server = tls.#serverOf(server)
      await tls.#server.catch((error: unknown) => {
        tls.stop()
        throw error
      })
    }
    return tls
  }

  get mode(): TlsMode {
    return this.#parts.mode
  }

  /** TLS handshakes under way. */
  get handshakes(): number {
    return this.#handshakes.size
  }

  /**
   * Looks at the first bytes of a connection: [0, sizeBytes) of `chunk`.
   * @returns whether they are frames; if not they have been taken, and the socket is not to be read any more
   */
  admit(connection: SocketConnection, chunk: Buffer, sizeBytes: number): boolean {
    const { mode } = this.#parts
    if (chunk[0] !== HANDSHAKE_BYTE) {
      if (mode !== 'enforcing') return true
      connection.refuse('it is not TLS, and tls.server.mode is enforcing')
      return false
    }
    if (mode === 'disabled') connection.refuse('it is TLS, and tls.server.mode is disabled')
    else if (this.#handshakes.size >= connection.limits.maxTlsHandshakes) {
      connection.refuse(`${this.#handshakes.size} TLS handshakes are under way`)
    } else void this.#begin(connection, Buffer.from(chunk.subarray(0, sizeBytes)))
    return false
  }

  /** Looks at the files at once. Resolves when a change, if there is one, is in force or was refused. */
  async lookAtFiles(): Promise<void> {
    await this.#watch?.look()
  }

  /** No file is looked at any more. Connections stay as they are. */
  stop(): void {
    this.#watch?.stop()
  }

  /** Never rejects. */
  async #begin(connection: SocketConnection, firstBytes: Buffer): Promise<void> {
    const ends = endsOf(connection.remote, connection.local)
    this.#handshakes.set(ends, connection)
    connection.onClose(() => this.#forget(ends, connection))
    const socket = connection.beginHandshake()
    try {
      const server = await this.#current()
      if (!connection.closed) injectInto(server, socket, firstBytes)
    } catch (error) {
      this.#parts.logger.error({ error }, `no TLS connection is possible: ${errorText(error)}`)
      connection.destroy('no certificate')
    }
  }

  #current(): Promise<TlsServer> {
    if (this.#server === undefined) {
      const server = this.#parts.settings().then((settings) => this.#serverOf(settings.server))
      this.#server = server
      server.catch(() => {
        if (this.#server === server) this.#server = undefined
      })
    }
    return this.#server
  }

  async #serverOf(settings: TlsServerSettings): Promise<TlsServer> {
    const { identity, clientAuth, verifyClient, trustCertPath } = settings
    const own =
      identity === undefined
        ? await makeSelfSigned(COMMON_NAME, this.#parts.clock.nowMs())
        : await readIdentity(identity)
    const issuers = await readIssuers(clientAuth !== 'none' && verifyClient, trustCertPath)
    // Whether the client is trusted is decided below, where the reason can be logged.
    const server = createServer({
      ...own,
      ...issuers,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: false,
    })
    server.on('secureConnection', (socket) => this.#secured(socket, settings))
    server.on('tlsClientError', (error, socket) => this.#failed(socket, `TLS handshake failed: ${errorText(error)}`))
    return server
  }

  #secured(socket: TLSSocket, settings: TlsServerSettings): void {
    const ends = endsOfSocket(socket)
    const connection = this.#handshakes.get(ends)
    if (connection === undefined || connection.closed) {
      socket.destroy()
      return
    }
    const refusal = refusalOf(socket, settings)
    if (refusal !== undefined) {
      this.#failed(socket, refusal)
      return
    }
    this.#forget(ends, connection)
    connection.secured(socket)
    socket.on('data', (chunk: Buffer) => connection.receive(chunk, chunk.length))
  }

  #failed(socket: TLSSocket, reason: string): void {
    const connection = this.#handshakes.get(endsOfSocket(socket))
    if (connection !== undefined) {
      connection.handshakeFailed(socket, reason)
      return
    }
    this.#faults.warn({}, `connection closed: ${reason}`)
    socket.destroy()
  }

  #forget(ends: string, connection: SocketConnection): void {
    if (this.#handshakes.get(ends) === connection) this.#handshakes.delete(ends)
  }

  /** Never rejects. */
  async #reload(): Promise<void> {
    const { logger } = this.#parts
    try {
      const { server, configFile } = await this.#parts.settings()
      await this.#watch?.watch(filesOf(server, configFile))
      const renewed = await this.#serverOf(server)
      this.#server = Promise.resolve(renewed)
      logger.info({}, 'TLS certificates were read again')
    } catch (error) {
      logger.warn({ error }, `TLS certificates stay as they were: ${errorText(error)}`)
    }
  }
}

/** Hands a socket over, with the bytes that were read from it already. */
const injectInto = (server: TlsServer, socket: Socket, firstBytes: Buffer): void => {
  socket.removeAllListeners('data')
  socket.unshift(firstBytes)
  server.emit('connection', socket)
}

/** Why a client is not let in. Without an issuer to verify by, Java takes any certificate. */
const refusalOf = (socket: TLSSocket, { clientAuth, verifyClient }: TlsServerSettings): string | undefined => {
  if (clientAuth === 'none') return undefined
  const hasCertificate = socket.getPeerX509Certificate() !== undefined
  if (!hasCertificate) return clientAuth === 'require' ? 'the client showed no certificate' : undefined
  if (!verifyClient || socket.authorized) return undefined
  return `the client's certificate is not trusted: ${errorText(socket.authorizationError)}`
}
