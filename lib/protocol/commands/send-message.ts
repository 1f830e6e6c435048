import { bool, command, int32, int64, optional, resourceName, string } from '../command.ts'

/**
 * 10: stores one message; its body is the body of the frame. `defaultTopic` is the model of a topic that is not there
 * yet.
 */
export const sendMessage = command({
  code: 10,
  name: 'SEND_MESSAGE',
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
    batch: optional(bool, false),
    maxReconsumeTimes: optional(int32),
  },
  response: {
    msgId: string,
    queueId: int32,
    queueOffset: int64,
    transactionId: optional(string),
    batchUniqId: optional(string),
    recallHandle: optional(string),
    MSG_REGION: optional(string),
    TRACE_ON: optional(string),
  },
})
