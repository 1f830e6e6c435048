import { handler, reply } from '../../net/handler.ts'
import { encodeTopicList } from '../../protocol/bodies/lists.ts'
import { getUnitTopicList } from '../../protocol/commands/get-unit-topic-list.ts'
import type { RouteTables } from '../route-tables.ts'

/** Answers with the topics of units. */
export const getUnitTopicListHandler = (routes: RouteTables) =>
  handler(getUnitTopicList, () => reply({}, { body: encodeTopicList({ topicList: routes.unitTopics() }) }))
