import { ResponseError } from '../../net/handler.ts'
import { isDlqTopic, SystemTopic } from '../../protocol/names.ts'
import { PERM_READ, PERM_WRITE } from '../../protocol/permissions.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Detour } from '../messages/detour.ts'
import type { NewMessage } from '../messages/new-message.ts'
import type { TopicCreator } from '../topics/topic-table.ts'
import { halfOf } from './half-message.ts'

/** A client before 4.6.1 sends a message back with all its properties: for another try, or to the dead letters. */
const isSentBack = ({ topic, reconsumeTimes, properties }: NewMessage): boolean =>
  reconsumeTimes > 0 && (Number(properties.get(PropertyName.DELAY)) > 0 || isDlqTopic(topic))

/** What makes the half topic when it is first needed, which Java does in its first round of the check. */
export type HalfTopics = Pick<TopicCreator, 'createOnSendBack'>

export const createHalfTopic = (topics: HalfTopics): void => {
  topics.createOnSendBack(SystemTopic.TRANS_HALF, 1, PERM_READ | PERM_WRITE, 0)
}

/** Stores messages of transactions as halves, where no consumer sees them. */
export const halfDetour = (config: Pick<BrokerConfig, 'current'>, topics: HalfTopics): Detour => ({
  properties: [PropertyName.TRANSACTION_PREPARED],
  clientsOnly: true,
  redirect(message) {
    if (message.properties.get(PropertyName.TRANSACTION_PREPARED)?.toLowerCase() !== 'true') return message
    if (isSentBack(message)) return message
    const { identity, send } = config.current
    if (send.rejectTransactions) {
      throw new ResponseError('NO_PERMISSION', `the broker[${identity.host}] sending transaction message is forbidden`)
    }
    createHalfTopic(topics)
    return halfOf(message)
  },
})
