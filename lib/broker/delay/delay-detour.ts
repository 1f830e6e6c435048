import { ResponseError } from '../../net/handler.ts'
import { SystemTopic } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { MessageSysFlag, transactionType } from '../../protocol/sys-flags.ts'
import type { Detour } from '../messages/detour.ts'
import { withProperties } from '../messages/new-message.ts'

const MAX_INT32 = 0x7fffffff

/** A level counts more than a delivery time of 5.x, which would count once the level's time is over. */
const DELIVERY_TIMES = [PropertyName.TIMER_DELAY_SEC, PropertyName.TIMER_DELAY_MS, PropertyName.TIMER_DELIVER_MS]

/** Queue of SCHEDULE_TOPIC_XXXX in which messages of a level wait. */
export const queueOfLevel = (level: number): number => level - 1

/** @throws {ResponseError} when it is no number as Java reads it */
const levelOf = (text: string): number => {
  const level = Number(text)
  if (/^[+-]?\d+$/.test(text) && level <= MAX_INT32 && level >= -MAX_INT32 - 1) return level
  throw new ResponseError('SYSTEM_ERROR', `the property DELAY is no level: ${text}`)
}

/**
 * Stores messages that name a delay level in the schedule topic, until their time has come. A level above the highest
 * becomes the highest. Halves of transactions are delayed when they are committed.
 * @param highestLevel 0 when there are no levels: nothing is delayed
 */
export const delayDetour = (highestLevel: number): Detour => ({
  properties: [PropertyName.DELAY],
  clientsOnly: false,
  redirect(message) {
    const text = message.properties.get(PropertyName.DELAY)
    if (text === undefined) return message
    const type = transactionType(message.sysFlag)
    if (type !== 0 && type !== MessageSysFlag.TRANSACTION_COMMIT) return message
    const level = Math.min(levelOf(text), highestLevel)
    if (level <= 0) return message
    const put = {
      // The store takes a level with a sign for none: the message would be due at once.
      [PropertyName.DELAY]: Number(text) > highestLevel ? String(highestLevel) : text.replace('+', ''),
      [PropertyName.REAL_TOPIC]: message.topic,
      [PropertyName.REAL_QUEUE_ID]: String(message.queueId),
    }
    const properties = withProperties(message.properties, put, DELIVERY_TIMES)
    return { ...message, topic: SystemTopic.SCHEDULE, queueId: queueOfLevel(level), properties }
  },
})
