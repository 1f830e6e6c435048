import { command, int32, optional, resourceName, string } from '../command.ts'

/** 309: lets one consumer consume one message now, relayed by the broker. */
export const consumeMessageDirectly = command({
  code: 309,
  name: 'CONSUME_MESSAGE_DIRECTLY',
  request: {
    consumerGroup: resourceName,
    clientId: optional(string),
    msgId: optional(string),
    brokerName: optional(string),
    topic: optional(string),
    topicSysFlag: optional(int32),
    groupSysFlag: optional(int32),
  },
})
