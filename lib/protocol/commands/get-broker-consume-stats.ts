import { bool, command } from '../command.ts'

/** 317: how far all groups of a broker are: a ConsumeStatsList in the body of the answer. */
export const getBrokerConsumeStats = command({
  code: 317,
  name: 'GET_BROKER_CONSUME_STATS',
  request: { isOrder: bool },
})
