import { command, int32, int64, optional, string } from '../command.ts'

/** 321: entries of one consume queue from `index` on. */
export const queryConsumeQueue = command({
  code: 321,
  name: 'QUERY_CONSUME_QUEUE',
  request: {
    topic: optional(string),
    queueId: optional(int32, 0),
    index: optional(int64, 0),
    count: optional(int32, 0),
    consumerGroup: optional(string),
  },
})
