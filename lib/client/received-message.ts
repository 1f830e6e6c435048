import { inflateBody } from '../protocol/compression.ts'
import type { StoredMessage } from '../protocol/message-codec.ts'
import { encodeOffsetMessageId } from '../protocol/message-ids.ts'
import { retryTopic } from '../protocol/names.ts'
import { KEY_SEPARATOR, PropertyName } from '../protocol/property-names.ts'
import type { MessageQueue, ReceivedMessage } from './message.ts'
import type { TakenMessage } from './process-queue.ts'

/** A message that is consumed again shows its own topic, not that of its group's retry queue. */
const ownTopic = ({ topic, properties }: StoredMessage, group: string): string =>
  topic === retryTopic(group) ? (properties.get(PropertyName.RETRY_TOPIC) ?? topic) : topic

/**
 * A stored record as the application gets it.
 * @throws {ProtocolError} `BODY_ILLEGAL`, `BODY_TOO_LARGE`, `COMPRESSION_UNSUPPORTED`
 */
export const receivedMessage = (taken: TakenMessage, queue: MessageQueue, group: string): ReceivedMessage => {
  const { record, failures } = taken
  const { properties } = record
  const offsetMessageId = encodeOffsetMessageId(record.storeHost, record.physicalOffset)
  return {
    topic: ownTopic(record, group),
    body: inflateBody(record.sysFlag, record.body),
    tag: properties.get(PropertyName.TAGS),
    keys: (properties.get(PropertyName.KEYS) ?? '').split(KEY_SEPARATOR).filter((key) => key !== ''),
    properties,
    flag: record.flag,
    messageId: properties.get(PropertyName.UNIQ_KEY) ?? offsetMessageId,
    offsetMessageId,
    queue,
    queueOffset: record.queueOffset,
    bornTimestampMs: record.bornTimestamp,
    storeTimestampMs: record.storeTimestamp,
    reconsumeTimes: record.reconsumeTimes + failures,
  }
}
