import { bool, int32, int64, optional, resourceName, string } from './command.ts'

/** Fields that every command carrying one message to a broker, or a reply on to a client, begins with. */
export const messageFields = {
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
} as const

/** Request of the send commands under their full names. */
export const sendFields = {
  ...messageFields,
  batch: optional(bool, false),
  maxReconsumeTimes: optional(int32),
} as const

/** Request of the send commands with one-letter names on the wire. */
export const sendFieldsV2 = { ...sendFields, brokerName: optional(string) } as const

/** The one-letter names. */
export const sendWireNames = {
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
} as const

/** Response of all send commands. */
export const sentFields = {
  msgId: string,
  queueId: int32,
  queueOffset: int64,
  transactionId: optional(string),
  batchUniqId: optional(string),
  recallHandle: optional(string),
  MSG_REGION: optional(string),
  TRACE_ON: optional(string),
} as const
