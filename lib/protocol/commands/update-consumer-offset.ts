import { command, int32, int64, resourceName } from '../command.ts'

/** 15: stores where a group stands in one queue. Mostly oneway. */
export const updateConsumerOffset = command({
  code: 15,
  name: 'UPDATE_CONSUMER_OFFSET',
  request: { consumerGroup: resourceName, topic: resourceName, queueId: int32, commitOffset: int64 },
})
