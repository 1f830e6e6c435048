import { command, resourceName } from '../command.ts'

/** 343: topics that a group has offsets for (5.x): a TopicList. */
export const queryTopicsByConsumer = command({
  code: 343,
  name: 'QUERY_TOPICS_BY_CONSUMER',
  request: { group: resourceName },
})
