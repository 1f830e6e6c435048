import { command, int32, int64, optional, resourceName, string } from '../command.ts'

/** 29: first queue offset stored at or after a time in ms. */
export const searchOffsetByTimestamp = command({
  code: 29,
  name: 'SEARCH_OFFSET_BY_TIMESTAMP',
  request: { topic: resourceName, queueId: int32, timestamp: int64, boundaryType: optional(string) },
  response: { offset: int64 },
})
