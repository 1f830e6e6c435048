import { handler, reply } from '../../net/handler.ts'
import { encodeTopicList } from '../../protocol/bodies/lists.ts'
import { getTopicsByCluster } from '../../protocol/commands/get-topics-by-cluster.ts'
import type { RouteTables } from '../route-tables.ts'

/** Answers with the topics of one cluster; none for a cluster nobody knows. */
export const getTopicsByClusterHandler = (routes: RouteTables) =>
  handler(getTopicsByCluster, ({ cluster }) =>
    reply({}, { body: encodeTopicList({ topicList: routes.topicsOfCluster(cluster) }) }),
  )
