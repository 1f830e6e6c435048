import { handler, reply } from '../../net/handler.ts'
import { encodeTopicList } from '../../protocol/bodies/lists.ts'
import { getSystemTopicListFromNs } from '../../protocol/commands/get-system-topic-list-from-ns.ts'
import type { RouteTables } from '../route-tables.ts'

/** Answers with the names of clusters and brokers, each of which is a topic, and one broker's address. */
export const getSystemTopicListFromNsHandler = (routes: RouteTables) =>
  handler(getSystemTopicListFromNs, () => reply({}, { body: encodeTopicList(routes.systemTopics()) }))
