import { handler, reply } from '../../net/handler.ts'
import { encodeTopicList } from '../../protocol/bodies/lists.ts'
import { getHasUnitSubUnunitTopicList } from '../../protocol/commands/get-has-unit-sub-ununit-topic-list.ts'
import type { RouteTables } from '../route-tables.ts'

/** Answers with the topics that units subscribe to and that are of no unit. */
export const getHasUnitSubUnunitTopicListHandler = (routes: RouteTables) =>
  handler(getHasUnitSubUnunitTopicList, () =>
    reply({}, { body: encodeTopicList({ topicList: routes.unitSubscriptionTopicsOutsideUnits() }) }),
  )
