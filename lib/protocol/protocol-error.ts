import { ApogeeError } from '../base/errors.ts'

/** Stable codes of what can be wrong with the content of a frame. */
export type ProtocolErrorCode =
  | 'RECORD_ILLEGAL'
  | 'BATCH_ILLEGAL'
  | 'BODY_ILLEGAL'
  | 'BODY_TOO_LARGE'
  | 'COMPRESSION_UNSUPPORTED'
  | 'MESSAGE_ID_ILLEGAL'
  | 'ADDRESS_ILLEGAL'
  | 'PROPERTIES_TOO_LONG'
  | 'RECALL_HANDLE_ILLEGAL'

/** Bytes or text that are not what the protocol says. Not retryable. */
export class ProtocolError extends ApogeeError {
  declare readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string, facts: { cause?: unknown } = {}) {
    super(code, message, facts)
  }
}
