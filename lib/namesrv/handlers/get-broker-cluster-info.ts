import { handler, reply } from '../../net/handler.ts'
import { encodeClusterInfo } from '../../protocol/bodies/topic-route.ts'
import { getBrokerClusterInfo } from '../../protocol/commands/get-broker-cluster-info.ts'
import type { RouteTables } from '../route-tables.ts'

/** Answers with all brokers and the clusters they are in. */
export const getBrokerClusterInfoHandler = (routes: RouteTables) =>
  handler(getBrokerClusterInfo, () => reply({}, { body: encodeClusterInfo(routes.clusterInfo()) }))
