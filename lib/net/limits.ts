/** Bounds on what one peer can make this process hold. */
export interface NetLimits {
  /** Frame with its length word, as Java counts it. Default 16 MiB. */
  readonly maxFrameBytes: number
  /** Default 64 KiB. */
  readonly maxHeaderBytes: number
  /** A frame begun must be complete after this long. Default 30,000 ms. */
  readonly partialFrameTimeoutMs: number
  /** Connections of one server over all its listeners; more are closed at once. Default 10,000. */
  readonly maxConnections: number
  /** Requests begun and not ended before reading pauses, per connection. Default 1,024. */
  readonly maxRequestsInFlight: number
  /** Bytes of requests begun and not ended before reading pauses, per connection. Default 32 MiB. */
  readonly maxRequestBytesInFlight: number
  /** Outbound bytes the kernel has not taken before reading from that peer pauses. Default 4 MiB. */
  readonly backlogPauseBytes: number
  /** Outbound bytes the kernel has not taken before the connection is given up. Default 64 MiB. */
  readonly backlogCloseBytes: number
  /** How long the backlog may be over `backlogCloseBytes`. Default 10,000 ms. */
  readonly backlogCloseAfterMs: number
  /** TLS handshakes of one server under way at once; connections that would begin more are closed. Default 1,000. */
  readonly maxTlsHandshakes: number
  /** A TLS handshake begun must be complete after this long; Java's. Default 10,000 ms. */
  readonly tlsHandshakeTimeoutMs: number
}

export const DEFAULT_LIMITS: NetLimits = {
  maxFrameBytes: 16 * 1024 * 1024,
  maxHeaderBytes: 64 * 1024,
  partialFrameTimeoutMs: 30_000,
  maxConnections: 10_000,
  maxRequestsInFlight: 1_024,
  maxRequestBytesInFlight: 32 * 1024 * 1024,
  backlogPauseBytes: 4 * 1024 * 1024,
  backlogCloseBytes: 64 * 1024 * 1024,
  backlogCloseAfterMs: 10_000,
  maxTlsHandshakes: 1_000,
  tlsHandshakeTimeoutMs: 10_000,
}
