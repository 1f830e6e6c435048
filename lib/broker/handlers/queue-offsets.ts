import { type Handler, handler } from '../../net/handler.ts'
import { getEarliestMsgStoreTime } from '../../protocol/commands/get-earliest-msg-store-time.ts'
import { getMaxOffset } from '../../protocol/commands/get-max-offset.ts'
import { getMinOffset } from '../../protocol/commands/get-min-offset.ts'
import { searchOffsetByTimestamp } from '../../protocol/commands/search-offset-by-timestamp.ts'
import type { QueueReader } from '../queue-reader.ts'

/** Where a queue begins and ends, by offset and by time: codes 30, 31, 29 and 32. */
export const queueOffsetHandlers = (queues: QueueReader): Handler[] => [
  handler(getMaxOffset, ({ topic, queueId }) => ({ offset: queues.range(topic, queueId).max })),
  handler(getMinOffset, ({ topic, queueId }) => ({ offset: queues.range(topic, queueId).min })),
  handler(searchOffsetByTimestamp, async ({ topic, queueId, timestamp }) => ({
    offset: await queues.offsetByTime(topic, queueId, timestamp),
  })),
  handler(getEarliestMsgStoreTime, async ({ topic, queueId }) => {
    const [timestamp] = await queues.storeTimes(topic, [{ queueId, queueOffset: queues.range(topic, queueId).min }])
    return { timestamp: timestamp! }
  }),
]
