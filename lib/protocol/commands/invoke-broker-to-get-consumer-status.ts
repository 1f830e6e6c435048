import { command, optional, resourceName, string } from '../command.ts'

/** 223: asks the consumers of a group which offsets they reached. */
export const invokeBrokerToGetConsumerStatus = command({
  code: 223,
  name: 'INVOKE_BROKER_TO_GET_CONSUMER_STATUS',
  request: { topic: resourceName, group: resourceName, clientAddr: optional(string) },
})
