import type { Connection } from '../net/connection.ts'
import { FRAME_PREFIX_BYTES } from '../protocol/frame.ts'

/** Whom an answer goes to. */
export interface AnswerTo {
  readonly connection: Connection
  readonly opaque: number
  readonly serializeType: 0 | 1
}

/**
 * Writes a frame straight into the connection's out buffer.
 * @param header a JSON header in ASCII only, so that its length in characters is its length in bytes
 */
export const writeJsonAnswer = ({ connection }: AnswerTo, header: string): void => {
  const { outbox } = connection
  const headerBytes = header.length
  const frameBytes = FRAME_PREFIX_BYTES + headerBytes
  const start = outbox.reserve(frameBytes)
  const { buffer } = outbox
  buffer.writeInt32BE(4 + headerBytes, start)
  // The serialize type above the header's length is 0: JSON.
  buffer.writeInt32BE(headerBytes, start + 4)
  buffer.write(header, start + FRAME_PREFIX_BYTES, headerBytes, 'latin1')
  outbox.commit(start, start + frameBytes)
}
