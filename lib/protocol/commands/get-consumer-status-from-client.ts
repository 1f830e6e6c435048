import { command, optional, resourceName, string } from '../command.ts'

/** 221: broker to consumer: which offsets have you reached? */
export const getConsumerStatusFromClient = command({
  code: 221,
  name: 'GET_CONSUMER_STATUS_FROM_CLIENT',
  request: { topic: resourceName, group: resourceName, clientAddr: optional(string) },
})
