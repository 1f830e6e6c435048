import { encodeProperties, MAX_PROPERTIES_BYTES } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'

/** total 4, magic 4, CRC 4, flag 4, body length 4, property length 2. */
const FIXED_BYTES = 22
const FLAG_AT = 12
const BODY_LENGTH_AT = 16

/** One message of a client batch. */
export interface BatchMessage {
  readonly body: Buffer
  readonly properties: ReadonlyMap<string, string>
  /** The user's flag; default 0. */
  readonly flag?: number
}

/** Takes one message of a batch, as positions in the batch's buffer. */
export type BatchVisitor = (
  bodyStart: number,
  bodyEnd: number,
  propsStart: number,
  propsEnd: number,
  flag: number,
) => void

const illegal = (why: string): ProtocolError => new ProtocolError('BATCH_ILLEGAL', `the batch body is illegal: ${why}`)

/**
 * Walks a client batch body in [start, end) and returns how many messages it holds. As in Java the parts decide, not
 * the total in front of each message. Messages before an illegal one have been visited when this throws.
 * @throws {ProtocolError} `BATCH_ILLEGAL`
 */
export const forEachBatchMessage = (buffer: Buffer, start: number, end: number, visit: BatchVisitor): number => {
  let count = 0
  for (let at = start; at < end; count++) {
    if (end - at < FIXED_BYTES) throw illegal(`${end - at} bytes after message ${count} are no message`)
    const bodyStart = at + BODY_LENGTH_AT + 4
    const bodyBytes = buffer.readInt32BE(at + BODY_LENGTH_AT)
    if (bodyBytes < 0 || bodyBytes > end - bodyStart - 2)
      throw illegal(`message ${count} declares a body of ${bodyBytes} bytes`)
    const bodyEnd = bodyStart + bodyBytes
    const propsStart = bodyEnd + 2
    const propsBytes = buffer.readInt16BE(bodyEnd)
    if (propsBytes < 0 || propsBytes > end - propsStart)
      throw illegal(`message ${count} declares properties of ${propsBytes} bytes`)
    visit(bodyStart, bodyEnd, propsStart, propsStart + propsBytes, buffer.readInt32BE(at + FLAG_AT))
    at = propsStart + propsBytes
  }
  return count
}

/**
 * Encodes a client batch body.
 * @throws {ProtocolError} `PROPERTIES_TOO_LONG`
 */
export const encodeBatch = (messages: readonly BatchMessage[]): Buffer =>
  Buffer.concat(messages.map(encodeBatchMessage))

const encodeBatchMessage = ({ body, properties, flag = 0 }: BatchMessage): Buffer => {
  const props = Buffer.from(encodeProperties(properties))
  if (props.length > MAX_PROPERTIES_BYTES) {
    throw new ProtocolError(
      'PROPERTIES_TOO_LONG',
      `${props.length} bytes of properties, at most ${MAX_PROPERTIES_BYTES} fit`,
    )
  }
  const bytes = Buffer.alloc(FIXED_BYTES + body.length + props.length)
  bytes.writeInt32BE(bytes.length, 0)
  bytes.writeInt32BE(flag, FLAG_AT)
  bytes.writeInt32BE(body.length, BODY_LENGTH_AT)
  const bodyEnd = BODY_LENGTH_AT + 4 + body.copy(bytes, BODY_LENGTH_AT + 4)
  bytes.writeInt16BE(props.length, bodyEnd)
  props.copy(bytes, bodyEnd + 2)
  return bytes
}
