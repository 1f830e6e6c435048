import { bool, command, int32, int64, optional, resourceName, string } from '../command.ts'

/** 326: broker to producer: the reply to a request; its body is the body of the frame. */
export const pushReplyMessageToClient = command({
  code: 326,
  name: 'PUSH_REPLY_MESSAGE_TO_CLIENT',
  request: {
    producerGroup: resourceName,
    topic: resourceName,
    defaultTopic: resourceName,
    defaultTopicQueueNums: int32,
    queueId: int32,
    sysFlag: int32,
    bornTimestamp: int64,
    flag: int32,
    properties: optional(string),
    reconsumeTimes: optional(int32),
    unitMode: optional(bool, false),
    bornHost: string,
    storeHost: string,
    storeTimestamp: int64,
  },
})
