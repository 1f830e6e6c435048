import { bool, command, int32, int64, optional, resourceName, string } from '../command.ts'

/**
 * 320: stores several messages of one topic and queue; the body is a client batch, `msgId` in the answer lists one id
 * each.
 */
export const sendBatchMessage = command({
  code: 320,
  name: 'SEND_BATCH_MESSAGE',
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
    brokerName: optional(string),
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
  wireNames: {
    producerGroup: 'a',
    topic: 'b',
    defaultTopic: 'c',
    defaultTopicQueueNums: 'd',
    queueId: 'e',
    sysFlag: 'f',
    bornTimestamp: 'g',
    flag: 'h',
    properties: 'i',
    reconsumeTimes: 'j',
    unitMode: 'k',
    maxReconsumeTimes: 'l',
    batch: 'm',
    brokerName: 'n',
  },
})
