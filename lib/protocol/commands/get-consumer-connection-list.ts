import { command, resourceName } from '../command.ts'

/** 203: who consumes in a group: ConsumerConnection in the body of the answer. */
export const getConsumerConnectionList = command({
  code: 203,
  name: 'GET_CONSUMER_CONNECTION_LIST',
  request: { consumerGroup: resourceName },
})
