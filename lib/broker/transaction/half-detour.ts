import { ResponseError } from '../../net/handler.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Detour } from '../messages/detour.ts'
import { halfOf } from './half-message.ts'

/** A client before 4.6.1 sends a message back for another try with all its properties. */
const isRetry = (reconsumeTimes: number, delayLevel: string | undefined): boolean =>
  reconsumeTimes > 0 && Number(delayLevel) > 0

/** Stores messages of transactions as halves, where no consumer sees them. */
export const halfDetour = (config: Pick<BrokerConfig, 'current'>): Detour => ({
  properties: [PropertyName.TRANSACTION_PREPARED],
  clientsOnly: true,
  redirect(message) {
    const { properties, reconsumeTimes } = message
    if (properties.get(PropertyName.TRANSACTION_PREPARED)?.toLowerCase() !== 'true') return message
    if (isRetry(reconsumeTimes, properties.get(PropertyName.DELAY))) return message
    const { identity, send } = config.current
    if (send.rejectTransactions) {
      throw new ResponseError('NO_PERMISSION', `the broker[${identity.host}] sending transaction message is forbidden`)
    }
    return halfOf(message)
  },
})
