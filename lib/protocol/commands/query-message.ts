import { bool, command, int32, int64, optional, resourceName, string } from '../command.ts'

/** 12: finds messages by key through the index; times in ms. `_UNIQUE_KEY_QUERY` = only by the client message id. */
export const queryMessage = command({
  code: 12,
  name: 'QUERY_MESSAGE',
  request: {
    topic: resourceName,
    key: string,
    maxNum: int32,
    beginTimestamp: int64,
    endTimestamp: int64,
    _UNIQUE_KEY_QUERY: optional(bool, false),
  },
  response: { indexLastUpdateTimestamp: int64, indexLastUpdatePhyoffset: int64 },
})
