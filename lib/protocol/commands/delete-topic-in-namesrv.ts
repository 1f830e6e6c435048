import { command, optional, resourceName, string } from '../command.ts'

/** 216: deletes a topic in a name server, only for one cluster where that is named. */
export const deleteTopicInNamesrv = command({
  code: 216,
  name: 'DELETE_TOPIC_IN_NAMESRV',
  request: { topic: resourceName, clusterName: optional(string) },
})
