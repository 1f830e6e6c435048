import { command, string } from '../command.ts'

/** 26: settings of a broker: properties text in the body of the answer. */
export const getBrokerConfig = command({
  code: 26,
  name: 'GET_BROKER_CONFIG',
  response: { version: string },
})
