import { command, resourceName } from '../command.ts'

/** 204: who produces in a group: ProducerConnection in the body of the answer. */
export const getProducerConnectionList = command({
  code: 204,
  name: 'GET_PRODUCER_CONNECTION_LIST',
  request: { producerGroup: resourceName },
})
