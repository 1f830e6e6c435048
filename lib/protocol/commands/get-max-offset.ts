import { bool, command, int32, int64, optional, resourceName } from '../command.ts'

/** 30: queue offset of the next message. */
export const getMaxOffset = command({
  code: 30,
  name: 'GET_MAX_OFFSET',
  request: { topic: resourceName, queueId: int32, committed: optional(bool) },
  response: { offset: int64 },
})
