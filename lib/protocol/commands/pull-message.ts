import { command, int32, int64, optional, resourceName, string } from '../command.ts'

/**
 * 11: takes messages of one queue from `queueOffset` on; the body of the answer is stored records, one after the
 * other.
 */
export const pullMessage = command({
  code: 11,
  name: 'PULL_MESSAGE',
  request: {
    consumerGroup: resourceName,
    topic: resourceName,
    queueId: int32,
    queueOffset: int64,
    maxMsgNums: int32,
    sysFlag: int32,
    commitOffset: int64,
    suspendTimeoutMillis: int64,
    subscription: optional(string),
    subVersion: int64,
    expressionType: optional(string),
    maxMsgBytes: optional(int32),
    requestSource: optional(int32),
    proxyFrowardClientId: optional(string),
  },
  response: {
    suggestWhichBrokerId: int64,
    nextBeginOffset: int64,
    minOffset: int64,
    maxOffset: int64,
    offsetDelta: optional(int64),
    topicSysFlag: optional(int32),
    groupSysFlag: optional(int32),
    forbiddenType: optional(int32),
  },
})
