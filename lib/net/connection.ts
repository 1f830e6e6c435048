import type { RemotingCommand } from '../protocol/remoting-command.ts'

/** Where the other side of a connection is. */
export interface RemoteAddress {
  /** IPv4 or IPv6 literal; an IPv4-mapped IPv6 address shows as IPv4. */
  readonly address: string
  readonly port: number
  /** The address in network order, 4 or 16 bytes. */
  readonly bytes: Buffer
}

/**
 * Bytes on their way out of one connection. Whatever is written within one tick leaves in one write.
 * Hot handlers write frames into `buffer` in place: `reserve`, fill, `commit`.
 */
export interface Outbox {
  /** The memory to fill; valid until the next `reserve`. */
  readonly buffer: Buffer
  /**
   * Makes room for `sizeBytes` and returns where in `buffer` they start. Bytes between the returned start and the end
   * given to `commit` go out; a frame written in several reserves without commit is lost.
   */
  reserve(sizeBytes: number): number
  /** Ends what the last `reserve` started: [start, end) of `buffer` is queued. `start` may be moved up (a gap). */
  commit(start: number, end: number): void
}

/** One live connection, as handlers see it. */
export interface Connection {
  /** Unique within the process. */
  readonly id: number
  readonly remote: RemoteAddress
  /** Local end: the listener's address. */
  readonly local: RemoteAddress
  readonly closed: boolean
  /** Bytes on their way out that the kernel has not taken. */
  readonly backlogBytes: number
  readonly outbox: Outbox
  /** Queues one encoded command; leaves with the tick's other bytes. Does nothing after the connection closed. */
  send(command: OutgoingCommand): void
  /**
   * Sends a request to the peer and waits for its response.
   * @throws {NetError} `NET_TIMEOUT`, `NET_CLOSED` (both retryable).
   */
  request(command: OutgoingRequest, timeoutMs: number): Promise<RemotingCommand>
  /** Sends a request that has no response. */
  oneway(command: OutgoingRequest): void
  /** Closes after queued bytes have left, at most a second later. */
  close(reason: string): void
  /** Called once when the connection is gone, whoever closed it. At once when it already is. */
  onClose(listener: () => void): void
  /**
   * Back-pressure: reading stops while too many requests or bytes are begun and not ended. The dispatcher does both for
   * handlers that return a promise; whoever answers later by itself calls them, and not for requests parked for long.
   */
  begin(requestBytes: number): void
  end(requestBytes: number): void
}

/** A request to send: opaque is given by the connection. */
export interface OutgoingRequest {
  readonly code: number
  readonly extFields?: ReadonlyMap<string, string>
  readonly body?: Buffer
  readonly remark?: string
}

/** A whole frame to send; defaults: our language and version, JSON header. */
export interface OutgoingCommand extends OutgoingRequest {
  readonly opaque: number
  readonly flag: number
  readonly serializeType?: 0 | 1
}

/** A received frame in place. One object is reused for all frames: copy what must outlive the call. */
export interface FrameView {
  buffer: Buffer
  serializeType: number
  headerStart: number
  headerEnd: number
  bodyStart: number
  bodyEnd: number
}

/**
 * Takes hot request codes straight from the receive buffer, without a decoded command.
 * `onFrame` returns false to leave the frame to the generic handlers, which must give the same answer. It also sees
 * responses whose code equals its request code (10 is SEND_MESSAGE and FLUSH_DISK_TIMEOUT) and returns false for them.
 */
export interface FrameHandler {
  onFrame(connection: Connection, frame: FrameView): boolean
  /** All complete frames of one received chunk were offered; their bytes are valid until this returns. */
  onChunkEnd(connection: Connection): void
}
