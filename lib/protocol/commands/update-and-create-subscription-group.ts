import { command } from '../command.ts'

/** 200: creates a group or changes its settings; the body is a SubscriptionGroupConfig. */
export const updateAndCreateSubscriptionGroup = command({
  code: 200,
  name: 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP',
})
