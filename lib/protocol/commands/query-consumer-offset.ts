import { bool, command, int32, int64, optional, resourceName } from '../command.ts'

/** 14: where a group stands in one queue. */
export const queryConsumerOffset = command({
  code: 14,
  name: 'QUERY_CONSUMER_OFFSET',
  request: { consumerGroup: resourceName, topic: resourceName, queueId: int32, setZeroIfNotFound: optional(bool) },
  response: { offset: int64 },
})
