import { handler, reply } from '../../net/handler.ts'
import { encodeTopicList } from '../../protocol/bodies/lists.ts'
import { getHasUnitSubTopicList } from '../../protocol/commands/get-has-unit-sub-topic-list.ts'
import type { RouteTables } from '../route-tables.ts'

/** Answers with the topics that units subscribe to. */
export const getHasUnitSubTopicListHandler = (routes: RouteTables) =>
  handler(getHasUnitSubTopicList, () =>
    reply({}, { body: encodeTopicList({ topicList: routes.unitSubscriptionTopics() }) }),
  )
