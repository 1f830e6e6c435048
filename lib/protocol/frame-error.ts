import { ApogeeError } from '../base/errors.ts'

/** Why bytes are no frame, or a command cannot become one. */
export type FrameErrorCode =
  | 'FRAME_TOO_LONG'
  | 'FRAME_TOO_SHORT'
  | 'HEADER_TOO_LONG'
  | 'HEADER_UNDECODABLE'
  | 'HEADER_UNENCODABLE'
  | 'SERIALIZE_TYPE_UNKNOWN'

/**
 * A frame that cannot be read or written. Not retryable: the sender and the receiver of a stream have lost each
 * other, so the connection is closed.
 */
export class FrameError extends ApogeeError {
  declare readonly code: FrameErrorCode

  constructor(code: FrameErrorCode, message: string, facts: { cause?: unknown } = {}) {
    super(code, message, facts)
  }
}
