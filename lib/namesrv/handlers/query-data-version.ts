import { handler, reply } from '../../net/handler.ts'
import { decodeDataVersion, encodeDataVersion } from '../../protocol/bodies/data-version.ts'
import { queryDataVersion } from '../../protocol/commands/query-data-version.ts'
import type { RouteTables } from '../route-tables.ts'

/** Says whether a broker has to register again, with the version known of it. An unchanged one counts as alive. */
export const queryDataVersionHandler = (routes: RouteTables) =>
  handler(queryDataVersion, ({ brokerAddr }, { request }) => {
    const changed = routes.isTopicConfigChanged(brokerAddr, decodeDataVersion(request.body))
    if (!changed) routes.renew(brokerAddr)
    const known = routes.dataVersion(brokerAddr)
    return reply({ changed }, known === undefined ? {} : { body: encodeDataVersion(known) })
  })
