import { bool, command, optional, resourceName, string } from '../command.ts'

/** 307: inner state of one consumer, relayed by the broker. */
export const getConsumerRunningInfo = command({
  code: 307,
  name: 'GET_CONSUMER_RUNNING_INFO',
  request: { consumerGroup: resourceName, clientId: string, jstackEnable: optional(bool, false) },
})
