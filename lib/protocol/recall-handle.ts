import { MAX_DECIMAL_BYTES, writeDecimal } from './ascii-digits.ts'
import { copyBytes } from './copy-bytes.ts'
import { ProtocolError } from './protocol-error.ts'

/** What identifies a message that waits for its delivery time. */
export interface RecallHandle {
  readonly topic: string
  readonly brokerName: string
  /** Delivery time in milliseconds since the epoch, as text. */
  readonly timestamp: string
  /** The client's message id (property UNIQ_KEY). */
  readonly messageId: string
}

const VERSION = 'v1'
const BASE64_URL = /^[A-Za-z0-9_-]+={0,2}$/
const CONTROL = /\p{Cc}/u

const PADDINGS = ['', '=', '==']
const BLANK = 0x20
const SCRATCH_BYTES = 2048

const padded = (text: string): string => text + PADDINGS[-text.length & 3]

/** Version 1 of 5.x: version, topic, broker name, time and message id, split by blanks, in base64url with padding. */
export const encodeRecallHandle = ({ topic, brokerName, timestamp, messageId }: RecallHandle): string =>
  padded(Buffer.from(`${VERSION} ${topic} ${brokerName} ${timestamp} ${messageId}`).toString('base64url'))

/** The same for many messages, on bytes. */
export class RecallHandleEncoder {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #topic = ''
  #brokerName = ''
  /** What stands in front of the time. */
  #frontBytes = 0

  /** @param id the client's message id, [idStart, idEnd) of it */
  encode(topic: string, brokerName: string, timestamp: number, id: Buffer, idStart: number, idEnd: number): string {
    if (topic !== this.#topic || brokerName !== this.#brokerName) this.#begin(topic, brokerName)
    const scratch = this.#scratch
    if (this.#frontBytes + MAX_DECIMAL_BYTES + 1 + idEnd - idStart > scratch.length) {
      const messageId = id.toString('utf8', idStart, idEnd)
      return encodeRecallHandle({ topic, brokerName, timestamp: String(timestamp), messageId })
    }
    const timeEnd = writeDecimal(timestamp, scratch, this.#frontBytes)
    scratch[timeEnd] = BLANK
    const end = copyBytes(id, idStart, idEnd, scratch, timeEnd + 1)
    return padded(scratch.toString('base64url', 0, end))
  }

  #begin(topic: string, brokerName: string): void {
    const front = Buffer.from(`${VERSION} ${topic} ${brokerName} `)
    this.#topic = topic
    this.#brokerName = brokerName
    this.#frontBytes = front.length
    front.copy(this.#scratch)
  }
}

/** @throws {ProtocolError} `RECALL_HANDLE_ILLEGAL` */
export const decodeRecallHandle = (text: string): RecallHandle => {
  const plain = BASE64_URL.test(text) ? Buffer.from(text, 'base64url').toString() : ''
  const [version, topic, brokerName, timestamp, messageId] = plain.split(' ')
  if (version !== VERSION || !topic || !brokerName || !timestamp || !messageId || CONTROL.test(plain)) {
    throw new ProtocolError('RECALL_HANDLE_ILLEGAL', 'recall handle is invalid')
  }
  return { topic, brokerName, timestamp, messageId }
}
