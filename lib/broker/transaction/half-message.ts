import type { HostAddress } from '../../protocol/host-address.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { isValidTopic, SystemTopic } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { MessageSysFlag, withTransactionType } from '../../protocol/sys-flags.ts'
import { type NewMessage, newMessageOf, withProperties } from '../messages/new-message.ts'

/** Queue of the half topic, and of the op topic, that everything goes through. */
export const HALF_QUEUE_ID = 0
/** Tag of an op message that ends a half. */
export const REMOVE_TAG = 'd'

const {
  REAL_TOPIC,
  REAL_QUEUE_ID,
  TRANSACTION_CHECK_TIMES,
  TRANSACTION_PREPARED_QUEUE_OFFSET,
  CHECK_IMMUNITY_TIME_IN_SECONDS,
} = PropertyName

/** What is stored for a message that a transaction is to decide about. */
export const halfOf = (message: NewMessage): NewMessage => ({
  ...message,
  topic: SystemTopic.TRANS_HALF,
  queueId: HALF_QUEUE_ID,
  sysFlag: withTransactionType(message.sysFlag, 0),
  properties: withProperties(
    message.properties,
    { [REAL_TOPIC]: message.topic, [REAL_QUEUE_ID]: String(message.queueId) },
    // A consumer may send on what it got with all its properties; these would take one transaction for another.
    [TRANSACTION_CHECK_TIMES, TRANSACTION_PREPARED_QUEUE_OFFSET],
  ),
})

const integerOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined

/** Where the message of a half belongs; undefined when the half does not say so. */
export const destinationOf = ({
  properties,
}: Pick<StoredMessage, 'properties'>): { readonly topic: string; readonly queueId: number } | undefined => {
  const topic = properties.get(REAL_TOPIC)
  const queueId = integerOf(properties.get(REAL_QUEUE_ID))
  if (topic === undefined || !isValidTopic(topic) || queueId === undefined || queueId < 0) return undefined
  return { topic, queueId }
}

/** The message of a half, as it is delivered; undefined when the half does not say where. */
export const committedOf = (half: StoredMessage): NewMessage | undefined => {
  const destination = destinationOf(half)
  if (destination === undefined) return undefined
  return newMessageOf(half, {
    ...destination,
    sysFlag: withTransactionType(half.sysFlag, MessageSysFlag.TRANSACTION_COMMIT),
    preparedTransactionOffset: half.physicalOffset,
    // Java writes the properties anew for what is delayed, and has taken this one out by then.
    ...(half.properties.has(PropertyName.DELAY)
      ? { properties: withProperties(half.properties, {}, [PropertyName.TRANSACTION_PREPARED]) }
      : {}),
  })
}

/**
 * Offset at which the half of the same transaction was first stored: copies that checks put back carry it. Its own
 * offset when it is no copy.
 */
export const originOf = ({ properties, queueOffset }: Pick<StoredMessage, 'properties' | 'queueOffset'>): number => {
  const origin = integerOf(properties.get(TRANSACTION_PREPARED_QUEUE_OFFSET))
  return origin !== undefined && origin >= 0 && origin < queueOffset ? origin : queueOffset
}

/** How often the producer was asked about a half; undefined when never. */
export const checkTimesOf = ({ properties }: Pick<StoredMessage, 'properties'>): number | undefined => {
  const text = properties.get(TRANSACTION_CHECK_TIMES)
  return text === undefined ? undefined : (integerOf(text) ?? -1)
}

/**
 * How long after its birth nobody is asked about a half, in milliseconds, by its own property; undefined when it has
 * none. What is no number, or -1, means the broker's own time.
 */
export const immunityMsOf = (
  { properties }: Pick<StoredMessage, 'properties'>,
  timeoutMs: number,
): number | undefined => {
  const text = properties.get(CHECK_IMMUNITY_TIME_IN_SECONDS)
  if (text === undefined) return undefined
  const seconds = integerOf(text) ?? -1
  return seconds === -1 ? timeoutMs : seconds * 1000
}

/** The same half once more, behind all others: `checkTimes` is how often it was asked about, this time included. */
export const copyOf = (half: StoredMessage, checkTimes: number | undefined): NewMessage =>
  newMessageOf(half, {
    topic: SystemTopic.TRANS_HALF,
    queueId: HALF_QUEUE_ID,
    properties: withProperties(half.properties, {
      ...(checkTimes === undefined ? {} : { [TRANSACTION_CHECK_TIMES]: String(checkTimes) }),
      [TRANSACTION_PREPARED_QUEUE_OFFSET]: String(originOf(half)),
    }),
  })

/** The half as it is kept for people to look at when no producer ended it. */
export const discardedOf = (half: StoredMessage): NewMessage =>
  newMessageOf(half, { topic: SystemTopic.TRANS_CHECK_MAX_TIME, queueId: 0 })

/** A half that was given up, or any other, to be asked about from the beginning. */
export const resumedOf = (half: StoredMessage): NewMessage =>
  newMessageOf(half, {
    topic: SystemTopic.TRANS_HALF,
    queueId: HALF_QUEUE_ID,
    properties: withProperties(half.properties, { [TRANSACTION_CHECK_TIMES]: '0' }),
  })

/** The message that says that a half has ended. Java stores the WAIT of every new message with it. */
export const opMessageOf = (
  halfOffset: number,
  from: { readonly host: HostAddress; readonly nowMs: number },
): NewMessage => ({
  topic: SystemTopic.TRANS_OP_HALF,
  queueId: HALF_QUEUE_ID,
  flag: 0,
  sysFlag: 0,
  bornTimestampMs: from.nowMs,
  bornHost: from.host,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from(String(halfOffset)),
  properties: new Map([
    [PropertyName.TAGS, REMOVE_TAG],
    [PropertyName.WAIT, 'true'],
  ]),
})

/** Offsets of the halves that an op message ends; several, joined by commas, when 5.x wrote it. None when it is no op. */
export const halvesOfOp = ({ properties, body }: Pick<StoredMessage, 'properties' | 'body'>): number[] => {
  const text = body.toString('latin1')
  if (properties.get(PropertyName.TAGS) !== REMOVE_TAG || !/^\d{1,15}(,\d{1,15})*,?$/.test(text)) return []
  return text.split(',').filter(Boolean).map(Number)
}
