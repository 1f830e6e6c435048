import { handler } from '../../net/handler.ts'
import { wipeWritePermOfBroker } from '../../protocol/commands/wipe-write-perm-of-broker.ts'
import type { RouteTables } from '../route-tables.ts'

/** Keeps producers away from a broker, before it is stopped. */
export const wipeWritePermOfBrokerHandler = (routes: RouteTables) =>
  handler(wipeWritePermOfBroker, ({ brokerName }) => ({ wipeTopicCount: routes.wipeWritePermission(brokerName) }))
