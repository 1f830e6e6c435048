import { command, resourceName } from '../command.ts'

/** 38: client ids of a group that are connected. */
export const getConsumerListByGroup = command({
  code: 38,
  name: 'GET_CONSUMER_LIST_BY_GROUP',
  request: { consumerGroup: resourceName },
})
