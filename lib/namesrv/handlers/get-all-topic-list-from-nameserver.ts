import { handler, reply } from '../../net/handler.ts'
import { encodeTopicList } from '../../protocol/bodies/lists.ts'
import { getAllTopicListFromNameserver } from '../../protocol/commands/get-all-topic-list-from-nameserver.ts'
import type { RouteTables } from '../route-tables.ts'

/** Answers with every topic that some broker has. */
export const getAllTopicListFromNameserverHandler = (routes: RouteTables) =>
  handler(getAllTopicListFromNameserver, () => reply({}, { body: encodeTopicList({ topicList: routes.topics() }) }))
