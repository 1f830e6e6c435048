import { command, resourceName } from '../command.ts'

/** 40: broker to consumer, oneway: the members of a group changed. */
export const notifyConsumerIdsChanged = command({
  code: 40,
  name: 'NOTIFY_CONSUMER_IDS_CHANGED',
  request: { consumerGroup: resourceName },
})
