import { command } from '../command.ts'

/** 25: changes settings of a running broker; the body is properties text. */
export const updateBrokerConfig = command({
  code: 25,
  name: 'UPDATE_BROKER_CONFIG',
})
