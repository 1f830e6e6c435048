import { type LogRecord, parseRecords } from './commitlog-reader.ts'
import type { RawClient, RawCommand } from './raw-client.ts'

const PULL_MESSAGE = 11
const SEND_MESSAGE = 10
const SEND_MESSAGE_V2 = 310
const SEND_BATCH_MESSAGE = 320
const SUBSCRIPTION_IN_REQUEST = 4
const PULL_FOUND = 0

/** A message as the send request carries it. */
export interface RawMessage {
  readonly topic: string
  readonly queueId: number
  readonly body: Buffer
  /** name 0x01 value 0x02 name 0x01 value ..., given as it is. */
  readonly properties: string
  readonly flag?: number
  readonly sysFlag?: number
  readonly reconsumeTimes?: number
  readonly bornTimestampMs: number
}

const fieldsOf = (message: RawMessage, isBatch: boolean) => ({
  producerGroup: 'raw-producers',
  topic: message.topic,
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: '8',
  queueId: String(message.queueId),
  sysFlag: String(message.sysFlag ?? 0),
  bornTimestamp: String(message.bornTimestampMs),
  flag: String(message.flag ?? 0),
  properties: message.properties,
  reconsumeTimes: String(message.reconsumeTimes ?? 0),
  unitMode: 'false',
  batch: String(isBatch),
})

const V2_NAMES: Readonly<Record<string, string>> = {
  producerGroup: 'a',
  topic: 'b',
  defaultTopic: 'c',
  defaultTopicQueueNums: 'd',
  queueId: 'e',
  sysFlag: 'f',
  bornTimestamp: 'g',
  flag: 'h',
  properties: 'i',
  reconsumeTimes: 'j',
  unitMode: 'k',
  batch: 'm',
}

const toV2 = (fields: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [V2_NAMES[name] ?? name, value]))

/** SEND_MESSAGE_V2, the form of the Java client. */
export const sendV2 = (message: RawMessage): RawCommand => ({
  code: SEND_MESSAGE_V2,
  extFields: toV2(fieldsOf(message, false)),
  body: message.body,
})

/** SEND_MESSAGE, the form of the Go client. */
export const sendV1 = (message: RawMessage): RawCommand => ({
  code: SEND_MESSAGE,
  extFields: fieldsOf(message, false),
  body: message.body,
})

const batchEntry = ({ body, properties, flag = 0 }: Pick<RawMessage, 'body' | 'properties' | 'flag'>): Buffer => {
  const text = Buffer.from(properties)
  const entry = Buffer.alloc(22 + body.length + text.length)
  entry.writeInt32BE(entry.length, 0)
  entry.writeInt32BE(flag, 12)
  entry.writeInt32BE(body.length, 16)
  body.copy(entry, 20)
  entry.writeInt16BE(text.length, 20 + body.length)
  text.copy(entry, 22 + body.length)
  return entry
}

/** SEND_BATCH_MESSAGE; `envelope` gives the fields all share, its properties are those of the batch. */
export const sendBatch = (
  envelope: Omit<RawMessage, 'body'>,
  messages: readonly Pick<RawMessage, 'body' | 'properties' | 'flag'>[],
): RawCommand => {
  const body = Buffer.concat(messages.map(batchEntry))
  return { code: SEND_BATCH_MESSAGE, extFields: toV2(fieldsOf({ ...envelope, body }, true)), body }
}

/** One pull of a group that says in the request what it subscribes to: everything. It is not held. */
export const pullOnce = (
  from: { readonly topic: string; readonly queueId: number; readonly queueOffset: number },
  maxMessages = 256,
): RawCommand => ({
  code: PULL_MESSAGE,
  extFields: {
    consumerGroup: 'raw-readers',
    topic: from.topic,
    queueId: String(from.queueId),
    queueOffset: String(from.queueOffset),
    maxMsgNums: String(maxMessages),
    sysFlag: String(SUBSCRIPTION_IN_REQUEST),
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subscription: '*',
    subVersion: '0',
    expressionType: 'TAG',
  },
})

/**
 * Everything in a queue from an offset on, by raw pulls.
 * @throws Error when a pull skips an offset.
 */
export const readQueue = async (
  client: RawClient,
  topic: string,
  queueId: number,
  queueOffset = 0,
): Promise<readonly LogRecord[]> => {
  const records: LogRecord[] = []
  for (;;) {
    const next = queueOffset + records.length
    const reply = await client.request(pullOnce({ topic, queueId, queueOffset: next }))
    if (reply.code !== PULL_FOUND) return records
    for (const record of parseRecords(reply.body)) {
      const expected = queueOffset + records.length
      if (record.queueOffset !== expected) {
        throw new Error(`queue ${topic}:${queueId} gave offset ${record.queueOffset} where ${expected} was due`)
      }
      records.push(record)
    }
  }
}
