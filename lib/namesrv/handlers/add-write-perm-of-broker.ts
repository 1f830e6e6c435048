import { handler } from '../../net/handler.ts'
import { addWritePermOfBroker } from '../../protocol/commands/add-write-perm-of-broker.ts'
import type { RouteTables } from '../route-tables.ts'

/** Lets producers come back to a broker. */
export const addWritePermOfBrokerHandler = (routes: RouteTables) =>
  handler(addWritePermOfBroker, ({ brokerName }) => ({ addTopicCount: routes.addWritePermission(brokerName) }))
