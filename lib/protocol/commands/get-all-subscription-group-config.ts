import { command } from '../command.ts'

/** 201: all groups of a broker: a SubscriptionGroupWrapper in the body of the answer. */
export const getAllSubscriptionGroupConfig = command({
  code: 201,
  name: 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG',
})
