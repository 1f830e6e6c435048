import { handler } from '../../net/handler.ts'
import { unregisterBroker } from '../../protocol/commands/unregister-broker.ts'
import type { RouteTables } from '../route-tables.ts'

/** Takes a broker out; success also when it was not there. */
export const unregisterBrokerHandler = (routes: RouteTables) =>
  handler(unregisterBroker, (identity) => {
    routes.unregister(identity)
    return {}
  })
