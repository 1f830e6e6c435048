import { ApogeeError } from '../base/errors.ts'

/** What can go wrong in a client. */
export type ClientErrorCode =
  /** An option or a subscription is not what it must be. Not retryable. */
  | 'CLIENT_OPTION_INVALID'
  /** A message cannot be sent as it is. Not retryable. */
  | 'CLIENT_MESSAGE_INVALID'
  /** `start` was not called yet, or `start` or `subscribe` was called when it cannot be. Not retryable. */
  | 'CLIENT_STATE'
  /** The client is stopped or stopping. Not retryable. */
  | 'CLIENT_STOPPED'
  /** None of the name servers answered. Retryable. */
  | 'CLIENT_NO_NAME_SERVER'
  /** The name servers know no broker that has the topic or would create it. Retryable: brokers come and go. */
  | 'CLIENT_NO_ROUTE'
  /** No broker took the message; the cause says why. Retryable as the cause. */
  | 'CLIENT_SEND_FAILED'
  /** The caller's time was over; the message may be stored all the same. Retryable. */
  | 'CLIENT_TIMEOUT'
  /** The caller's signal was aborted; the message may be stored all the same. Not retryable. */
  | 'CLIENT_ABORTED'

const RETRYABLE: ReadonlySet<ClientErrorCode> = new Set(['CLIENT_NO_NAME_SERVER', 'CLIENT_NO_ROUTE', 'CLIENT_TIMEOUT'])

/** A failure of a producer or consumer. */
export class ClientError extends ApogeeError {
  declare readonly code: ClientErrorCode
  /** @param facts `retryable` where it differs from the code's own */
  constructor(code: ClientErrorCode, message: string, facts: { retryable?: boolean; cause?: unknown } = {}) {
    super(code, message, { retryable: RETRYABLE.has(code), ...facts })
  }
}
