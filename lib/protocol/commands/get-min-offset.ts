import { command, int32, int64, resourceName } from '../command.ts'

/** 31: queue offset of the oldest message still there. */
export const getMinOffset = command({
  code: 31,
  name: 'GET_MIN_OFFSET',
  request: { topic: resourceName, queueId: int32 },
  response: { offset: int64 },
})
