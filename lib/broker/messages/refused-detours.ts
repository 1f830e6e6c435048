import { ResponseError } from '../../net/handler.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import type { Detour } from './detour.ts'

/** A half stored as an ordinary message would be seen by consumers at once. */
export const refusedTransactions: Detour = {
  properties: [PropertyName.TRANSACTION_PREPARED],
  clientsOnly: true,
  redirect(message) {
    if (message.properties.get(PropertyName.TRANSACTION_PREPARED)?.toLowerCase() !== 'true') return message
    throw new ResponseError('MESSAGE_ILLEGAL', 'transaction messages are not supported by this version of the broker')
  },
}
