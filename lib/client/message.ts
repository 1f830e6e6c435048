/** A message to send. */
export interface OutgoingMessage {
  /** 1 to 127 characters of `%`, `|`, `a-z`, `A-Z`, `0-9`, `_`, `-`. */
  readonly topic: string
  readonly body: Buffer
  /** One tag that consumers can filter by. */
  readonly tag?: string
  /** Keys under which the message can be found again. */
  readonly keys?: readonly string[]
  /** User properties. Names and values must not contain the characters U+0001 and U+0002. */
  readonly properties?: Readonly<Record<string, string>>
  /** The user's own 32-bit flag; default 0. */
  readonly flag?: number
}

/** One queue of a topic. */
export interface MessageQueue {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
}

/** What is known of a message's durability; FLUSH_DISK_TIMEOUT and the slave statuses mean stored, but not as promised. */
export type SendStatus = 'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE'

/** Where a message went. */
export interface SendResult {
  readonly status: SendStatus
  /** The client's id of the message (property UNIQ_KEY). */
  readonly messageId: string
  /** The broker's id: address and physical offset. */
  readonly offsetMessageId: string
  readonly queue: MessageQueue
  readonly queueOffset: number
}

/** A message received. */
export interface ReceivedMessage {
  readonly topic: string
  /** May be part of a larger buffer: copy it to keep it for long. */
  readonly body: Buffer
  readonly tag: string | undefined
  readonly keys: readonly string[]
  /** All properties, those of the system included. */
  readonly properties: ReadonlyMap<string, string>
  readonly flag: number
  readonly messageId: string
  readonly offsetMessageId: string
  readonly queue: MessageQueue
  readonly queueOffset: number
  /** By the producer's clock, milliseconds since the epoch. */
  readonly bornTimestampMs: number
  /** By the broker's clock, milliseconds since the epoch. */
  readonly storeTimestampMs: number
  /** How often it was consumed before without success, by this client or as the broker counted. */
  readonly reconsumeTimes: number
}

/** Text that is equal for equal queues only. */
export const queueKey = (queue: MessageQueue): string => `${queue.topic}\n${queue.brokerName}\n${queue.queueId}`
