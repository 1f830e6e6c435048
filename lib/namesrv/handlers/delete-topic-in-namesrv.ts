import { handler } from '../../net/handler.ts'
import { deleteTopicInNamesrv } from '../../protocol/commands/delete-topic-in-namesrv.ts'
import type { RouteTables } from '../route-tables.ts'

/** Forgets a topic, everywhere or in one cluster; success also when nobody had it. */
export const deleteTopicInNamesrvHandler = (routes: RouteTables) =>
  handler(deleteTopicInNamesrv, ({ topic, clusterName }) => {
    routes.deleteTopic(topic, clusterName === '' ? undefined : clusterName)
    return {}
  })
