import { ApogeeError } from '../base/errors.ts'

/** What can go wrong between two peers. */
export type NetErrorCode =
  /** The listen address is taken. Not retryable. */
  | 'NET_PORT_IN_USE'
  /** The listen address could not be bound for another reason. Not retryable. */
  | 'NET_LISTEN_FAILED'
  /** Nobody answered at the address within the dial time. Retryable. */
  | 'NET_CONNECT_FAILED'
  /** The address is no `host:port`. Not retryable. */
  | 'NET_ADDRESS_INVALID'
  /** No response in time; the peer may have done the work. Retryable. */
  | 'NET_TIMEOUT'
  /** The connection closed before the response; the peer may have done the work. Retryable. */
  | 'NET_CLOSED'
  /** The TLS handshake failed: no common version, or one side refuses the other's certificate. Not retryable. */
  | 'NET_TLS_FAILED'
  /** A certificate, key or trust file cannot be read, is none, or key and certificate do not belong together. */
  | 'NET_TLS_FILE_INVALID'
  /** TLS settings contradict each other, or have a value that is none. Not retryable. */
  | 'NET_TLS_CONFIG_INVALID'

/** A failure of the connection, not of the request. */
export class NetError extends ApogeeError {
  declare readonly code: NetErrorCode
  /** @param facts `retryable` as the code's line says */
  constructor(code: NetErrorCode, message: string, facts: { retryable?: boolean; cause?: unknown } = {}) {
    super(code, message, facts)
  }
}

/** The peer answered a request with something other than success. Not retryable unless the code says busy. */
export class RemoteError extends ApogeeError {
  /** Response code, for example 17. */
  readonly responseCode: number
  /** The peer's own words; empty when it sent none. */
  readonly remark: string

  constructor(address: string, request: string, responseCode: number, remark: string | undefined) {
    const words = remark === undefined || remark === '' ? '' : `: ${remark}`
    super('REMOTE_ERROR', `${address} answered ${request} with code ${responseCode}${words}`, {
      retryable: RETRYABLE_RESPONSES.has(responseCode),
    })
    this.responseCode = responseCode
    this.remark = remark ?? ''
  }
}

/** SYSTEM_BUSY, SERVICE_NOT_AVAILABLE, FLOW_CONTROL. */
const RETRYABLE_RESPONSES: ReadonlySet<number> = new Set([2, 14, 215])
