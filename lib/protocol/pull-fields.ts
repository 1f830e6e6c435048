import { int32, int64, optional, resourceName, string } from './command.ts'

/** Request of the pull commands. */
export const pullFields = {
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
} as const

/** Response of the pull commands; the body is stored records, one after the other. */
export const pulledFields = {
  suggestWhichBrokerId: int64,
  nextBeginOffset: int64,
  minOffset: int64,
  maxOffset: int64,
  offsetDelta: optional(int64),
  topicSysFlag: optional(int32),
  groupSysFlag: optional(int32),
  forbiddenType: optional(int32),
} as const
