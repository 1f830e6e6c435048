import { bool, command, int32, optional, resourceName, string } from '../command.ts'

/** 17: creates a topic or changes its settings. */
export const updateAndCreateTopic = command({
  code: 17,
  name: 'UPDATE_AND_CREATE_TOPIC',
  request: {
    topic: resourceName,
    defaultTopic: resourceName,
    readQueueNums: int32,
    writeQueueNums: int32,
    perm: int32,
    topicFilterType: string,
    topicSysFlag: optional(int32),
    order: optional(bool, false),
    attributes: optional(string),
    force: optional(bool),
  },
})
