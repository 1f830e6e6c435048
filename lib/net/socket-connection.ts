import type { Socket } from 'node:net'
import type { Clock, TimerHandle } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import type { Logger } from '../base/logging.ts'
import type { ThrottledLog } from '../base/throttled-log.ts'
import { decodeFrame, frameSizeBound, writeFrame } from '../protocol/frame.ts'
import { peekCode } from '../protocol/peek-code.ts'
import { FLAG_ONEWAY, isResponse, type RemotingCommand } from '../protocol/remoting-command.ts'
import { formatAddress, remoteAddress } from './address.ts'
import type { BufferPool } from './buffer-pool.ts'
import type {
  Connection,
  FrameHandler,
  FrameView,
  OutgoingCommand,
  OutgoingRequest,
  RemoteAddress,
} from './connection.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { FlushQueue } from './flush-queue.ts'
import { FrameAssembler } from './frame-assembler.ts'
import type { NetLimits } from './limits.ts'
import { NetError } from './net-error.ts'
import { PooledOutbox } from './pooled-outbox.ts'
import { RESUME_SHARE, ReadGate } from './read-gate.ts'
import { RequestsInFlight } from './requests-in-flight.ts'
import { ResponseTable } from './response-table.ts'

/** What all connections of one server or client share. */
export interface ConnectionContext {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: NetLimits
  /** Without a frame read or bytes written for this long a connection is closed. */
  readonly idleTimeoutMs: number
  readonly pool: BufferPool
  readonly flushes: FlushQueue
  /** Connections closed because of what the peer did. */
  readonly faults: ThrottledLog
}

/** How long queued bytes may take to leave after `close`. */
const CLOSE_GRACE_MS = 1_000
const KEEP_ALIVE_DELAY_MS = 60_000
/** Second word and header length are part of a frame's content; `decodeFrame` starts there. */
const HEADER_WORD_BYTES = 4

let lastConnectionId = 0

/** A connection over one socket, dialled or accepted. */
export class SocketConnection implements Connection {
  readonly id: number
  readonly remote: RemoteAddress
  readonly local: RemoteAddress
  readonly outbox: PooledOutbox
  /** A TLS socket over the one it began with, once the peer has chosen TLS. */
  #socket: Socket
  readonly #context: ConnectionContext
  readonly #dispatcher: Dispatcher
  readonly #assembler: FrameAssembler
  readonly #responses: ResponseTable
  readonly #gate: ReadGate
  readonly #inFlight: RequestsInFlight
  readonly #closeListeners: (() => void)[] = []
  /** Frame handlers that took frames of the current chunk. */
  readonly #touched: FrameHandler[] = []
  #inChunk = false
  /** Why to close once the chunk has ended: until then its frames are in use and their answers are to leave. */
  #closeAfterChunk: string | undefined
  #closing = false
  #gone = false
  #closeReason = 'closed by the peer'
  #framesTaken = 0
  #unsentBytes = 0
  #writesInFlight = 0
  #lastActiveAt: number
  #partialSince: number | undefined
  #overBacklogSince: number | undefined
  #handshakeSince: number | undefined
  #closeGrace: TimerHandle | undefined

  /** @param socket connected; its bytes are to be given to `receive` */
  constructor(socket: Socket, context: ConnectionContext, dispatcher: Dispatcher) {
    lastConnectionId += 1
    this.id = lastConnectionId
    this.remote = remoteAddress(socket.remoteAddress, socket.remotePort)
    this.local = remoteAddress(socket.localAddress, socket.localPort)
    this.#socket = socket
    this.#context = context
    this.#dispatcher = dispatcher
    this.#assembler = new FrameAssembler(context.pool, context.limits)
    this.#responses = new ResponseTable(context.clock, formatAddress(this.remote))
    this.#gate = new ReadGate({ pause: () => this.#socket.pause(), resume: () => this.#socket.resume() })
    this.#inFlight = new RequestsInFlight(this.#gate, context.limits)
    this.#lastActiveAt = context.clock.monotonicMs()
    this.outbox = new PooledOutbox(context.pool, {
      outboxFilled: () => this.#outboxFilled(),
      write: (bytes) => this.#write(bytes),
    })
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    this.#endWith(socket)
  }

  get closed(): boolean {
    return this.#closing || this.#gone
  }

  /** Those of its server or client. */
  get limits(): NetLimits {
    return this.#context.limits
  }

  /** Bytes on their way out that the kernel has not taken. */
  get backlogBytes(): number {
    return this.#unsentBytes + this.outbox.pendingBytes
  }

  /** Our own requests that wait for a response, and responses that matched none. */
  get responses(): { readonly size: number; readonly unmatched: number } {
    return this.#responses
  }

  /** Whether bytes of this peer are being read. */
  get isReading(): boolean {
    return this.#gate.isOpen
  }

  /** Takes the next bytes of the stream: [0, sizeBytes) of `chunk`. All of them have been used when it returns. */
  receive(chunk: Buffer, sizeBytes: number): void {
    if (this.closed) return
    this.#lastActiveAt = this.#context.clock.monotonicMs()
    const framesBefore = this.#framesTaken
    this.#inChunk = true
    const rest = this.#assembler.take(chunk, sizeBytes, this.#onFrame)
    this.#endChunk()
    if (typeof rest === 'string') this.refuse(rest)
    else if (this.#takesFrames) this.#assembler.keepRest(chunk, rest, sizeBytes)
    if (this.#assembler.partialBytes === 0) this.#partialSince = undefined
    else if (this.#framesTaken > framesBefore) this.#partialSince = this.#lastActiveAt
    else this.#partialSince ??= this.#lastActiveAt
    this.#inChunk = false
    if (this.#closeAfterChunk !== undefined) this.close(this.#closeAfterChunk)
  }

  /**
   * The peer chose TLS, and nothing is received before `secured`. Returns the socket, paused, for the handshake; closing
   * the connection closes it.
   */
  beginHandshake(): Socket {
    this.#handshakeSince = this.#context.clock.monotonicMs()
    return this.#socket.pause()
  }

  /** The handshake is done: from now on bytes go out by this socket, and those that come in by it are to be received. */
  secured(socket: Socket): void {
    this.#handshakeSince = undefined
    this.#lastActiveAt = this.#context.clock.monotonicMs()
    this.#socket = socket
    this.#endWith(socket)
    if (!this.isReading) socket.pause()
    this.flush()
  }

  /** The handshake failed, or who the peer is does not suffice. Its own socket is destroyed, not the one below. */
  handshakeFailed(socket: Socket, reason: string): void {
    if (!this.closed) this.#context.faults.warn({ peer: formatAddress(this.remote) }, `connection closed: ${reason}`)
    this.#closing = true
    this.#closeReason = reason
    socket.destroy()
  }

  send(command: OutgoingCommand): void {
    if (this.closed) return
    const start = this.outbox.reserve(frameSizeBound(command))
    this.outbox.commit(start, writeFrame(command, this.outbox.buffer, start))
  }

  request(command: OutgoingRequest, timeoutMs: number): Promise<RemotingCommand> {
    if (this.closed) {
      const message = `connection to ${formatAddress(this.remote)} is closed: ${this.#closeReason}`
      return Promise.reject(new NetError('NET_CLOSED', message, { retryable: true }))
    }
    const opaque = this.#responses.nextOpaque()
    try {
      this.send({ ...command, opaque, flag: 0 })
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#responses.wait(opaque, command.code, timeoutMs)
  }

  oneway(command: OutgoingRequest): void {
    this.send({ ...command, opaque: this.#responses.nextOpaque(), flag: FLAG_ONEWAY })
  }

  close(reason: string): void {
    if (this.closed) return
    if (this.#inChunk) {
      this.#closeAfterChunk ??= reason
      return
    }
    if (this.#handshakeSince !== undefined) {
      this.destroy(reason)
      return
    }
    this.flush()
    this.#closing = true
    this.#closeReason = reason
    this.#assembler.discard()
    this.#closeGrace = this.#context.clock.after(CLOSE_GRACE_MS, () => this.#socket.destroy())
    this.#destroyWhenSent()
  }

  onClose(listener: () => void): void {
    if (this.#gone) listener()
    else this.#closeListeners.push(listener)
  }

  begin(requestBytes: number): void {
    this.#inFlight.begin(requestBytes)
  }

  end(requestBytes: number): void {
    this.#inFlight.end(requestBytes)
  }

  /** Resolves once every request begun has ended, or the connection is gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#inFlight.onEmpty(resolve)
      this.onClose(resolve)
    })
  }

  /** No further request is read; those begun may still be answered. */
  stopReading(): void {
    if (!this.#gone) this.#gate.close('stopping')
  }

  /** Sends what is queued. While an earlier write has not ended bytes wait for it, so that they leave together. */
  flush(): void {
    if (this.#gone || this.#inChunk || this.#handshakeSince !== undefined) return
    if (this.#writesInFlight === 0) this.outbox.flush()
    this.#checkBacklog()
  }

  /** Looks at everything that has a deadline. Called about once a second. */
  checkDeadlines(nowMs: number): void {
    if (this.closed) return
    const { limits, idleTimeoutMs } = this.#context
    // What we do not read is not late.
    if (this.#partialSince !== undefined && !this.isReading) this.#partialSince = nowMs
    if (this.#partialSince !== undefined && nowMs - this.#partialSince >= limits.partialFrameTimeoutMs) {
      this.#giveUp(`a frame was not complete after ${limits.partialFrameTimeoutMs} ms`)
      return
    }
    if (this.#handshakeSince !== undefined && nowMs - this.#handshakeSince >= limits.tlsHandshakeTimeoutMs) {
      this.#giveUp(`a TLS handshake was not complete after ${limits.tlsHandshakeTimeoutMs} ms`)
      return
    }
    this.#checkBacklog()
    if (this.#overBacklogSince !== undefined && nowMs - this.#overBacklogSince >= limits.backlogCloseAfterMs) {
      this.#giveUp(`${this.backlogBytes} bytes have not been read by the peer`)
      return
    }
    if (nowMs - this.#lastActiveAt >= idleTimeoutMs) this.close(`idle for ${idleTimeoutMs} ms`)
  }

  /** Ends the connection at once; queued bytes are lost. */
  destroy(reason: string): void {
    if (!this.closed) this.#closeReason = reason
    this.#closing = true
    this.#socket.destroy()
  }

  readonly #onFrame = (frame: FrameView): boolean => {
    this.#framesTaken += 1
    try {
      if (!this.#offerToFrameHandler(frame)) this.#takeFrame(frame)
    } catch (error) {
      this.refuse(errorText(error))
    }
    return this.#takesFrames
  }

  get #takesFrames(): boolean {
    return !this.closed && this.#closeAfterChunk === undefined
  }

  #offerToFrameHandler(frame: FrameView): boolean {
    if (!this.#dispatcher.hasFrameHandlers) return false
    const frameHandler = this.#dispatcher.frameHandler(peekCode(frame))
    if (frameHandler === undefined) return false
    if (!this.#touched.includes(frameHandler)) this.#touched.push(frameHandler)
    try {
      return frameHandler.onFrame(this, frame)
    } catch (error) {
      const { buffer, headerStart, bodyEnd } = frame
      const request = decodeFrame(buffer, headerStart - HEADER_WORD_BYTES, bodyEnd)
      if (!isResponse(request)) this.#dispatcher.fail(this, request, error)
      return true
    }
  }

  #takeFrame({ buffer, headerStart, bodyEnd }: FrameView): void {
    const start = headerStart - HEADER_WORD_BYTES
    const borrowed = decodeFrame(buffer, start, bodyEnd)
    const command = borrowed.body.length === 0 ? borrowed : { ...borrowed, body: Buffer.from(borrowed.body) }
    if (isResponse(command)) this.#responses.settle(command)
    else this.#dispatcher.dispatch(this, command, bodyEnd - start)
  }

  #endChunk(): void {
    while (this.#touched.length > 0) {
      const frameHandler = this.#touched.shift()!
      try {
        frameHandler.onChunkEnd(this)
      } catch (error) {
        this.#context.logger.error({ peer: formatAddress(this.remote), error }, 'the end of a chunk failed')
        this.close('internal error')
      }
    }
  }

  #outboxFilled(): void {
    this.#context.flushes.add(this)
  }

  #write(bytes: Buffer): void {
    this.#unsentBytes += bytes.length
    this.#writesInFlight += 1
    this.#socket.write(bytes, this.#onWritten)
  }

  readonly #onWritten = (): void => {
    this.#unsentBytes -= this.outbox.written()
    this.#writesInFlight -= 1
    this.#lastActiveAt = this.#context.clock.monotonicMs()
    this.flush()
    if (this.#closing) this.#destroyWhenSent()
  }

  #destroyWhenSent(): void {
    if (this.#writesInFlight === 0 && this.outbox.pendingBytes === 0) this.#socket.destroySoon()
  }

  #checkBacklog(): void {
    const { backlogPauseBytes, backlogCloseBytes } = this.#context.limits
    const backlogBytes = this.backlogBytes
    if (backlogBytes > backlogPauseBytes) this.#gate.close('backlog')
    else if (backlogBytes <= backlogPauseBytes * RESUME_SHARE) this.#gate.open('backlog')
    if (backlogBytes <= backlogCloseBytes) this.#overBacklogSince = undefined
    else this.#overBacklogSince ??= this.#context.clock.monotonicMs()
  }

  /** The peer sent what is no frame. Answers to the frames before it still leave. */
  refuse(reason: string): void {
    if (!this.#takesFrames) return
    this.#context.faults.warn({ peer: formatAddress(this.remote) }, `connection closed: ${reason}`)
    this.close(reason)
  }

  /** The peer took too long or took too little. */
  #giveUp(reason: string): void {
    this.#context.faults.warn({ peer: formatAddress(this.remote) }, `connection closed: ${reason}`)
    this.destroy(reason)
  }

  /** The connection ends with its socket. */
  #endWith(socket: Socket): void {
    socket.on('error', (error) => {
      this.#closeReason = errorText(error)
    })
    socket.once('close', () => this.#onSocketClosed())
    if (socket.destroyed) process.nextTick(() => this.#onSocketClosed())
  }

  #onSocketClosed(): void {
    if (this.#gone) return
    this.#gone = true
    this.#closeGrace?.cancel()
    this.#assembler.discard()
    this.outbox.discard()
    this.#responses.fail(this.#closeReason)
    for (const listener of this.#closeListeners.splice(0)) listener()
  }
}
