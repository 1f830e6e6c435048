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

const padded = (text: string): string => text + '='.repeat(-text.length & 3)

/** Version 1 of 5.x: version, topic, broker name, time and message id, split by blanks, in base64url with padding. */
export const encodeRecallHandle = ({ topic, brokerName, timestamp, messageId }: RecallHandle): string =>
  padded(Buffer.from(`${VERSION} ${topic} ${brokerName} ${timestamp} ${messageId}`).toString('base64url'))

/** @throws {ProtocolError} `RECALL_HANDLE_ILLEGAL` */
export const decodeRecallHandle = (text: string): RecallHandle => {
  const plain = BASE64_URL.test(text) ? Buffer.from(text, 'base64url').toString() : ''
  const [version, topic, brokerName, timestamp, messageId] = plain.split(' ')
  if (version !== VERSION || !topic || !brokerName || !timestamp || !messageId || CONTROL.test(plain)) {
    throw new ProtocolError('RECALL_HANDLE_ILLEGAL', 'recall handle is invalid')
  }
  return { topic, brokerName, timestamp, messageId }
}
