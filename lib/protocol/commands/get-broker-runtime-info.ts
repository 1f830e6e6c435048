import { command } from '../command.ts'

/** 28: figures of a running broker: a KVTable in the body of the answer. */
export const getBrokerRuntimeInfo = command({
  code: 28,
  name: 'GET_BROKER_RUNTIME_INFO',
})
