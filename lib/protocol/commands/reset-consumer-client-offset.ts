import { bool, command, int64, resourceName } from '../command.ts'

/** 220: broker to consumer, oneway: go on from these offsets. */
export const resetConsumerClientOffset = command({
  code: 220,
  name: 'RESET_CONSUMER_CLIENT_OFFSET',
  request: { topic: resourceName, group: resourceName, timestamp: int64, isForce: bool },
})
