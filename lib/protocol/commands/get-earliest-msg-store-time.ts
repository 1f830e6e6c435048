import { command, int32, int64, resourceName } from '../command.ts'

/** 32: store time in ms of the oldest message of a queue; -1 when it has none. */
export const getEarliestMsgStoreTime = command({
  code: 32,
  name: 'GET_EARLIEST_MSG_STORETIME',
  request: { topic: resourceName, queueId: int32 },
  response: { timestamp: int64 },
})
