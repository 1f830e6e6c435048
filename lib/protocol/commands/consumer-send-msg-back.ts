import { bool, command, int32, int64, optional, resourceName, string } from '../command.ts'

/** 36: asks for a message to be consumed again later; `offset` is physical. */
export const consumerSendMsgBack = command({
  code: 36,
  name: 'CONSUMER_SEND_MSG_BACK',
  request: {
    offset: int64,
    group: resourceName,
    delayLevel: int32,
    originMsgId: optional(string),
    originTopic: optional(string),
    unitMode: optional(bool, false),
    maxReconsumeTimes: optional(int32),
  },
})
