import { command } from '../command.ts'

/** 225: makes or changes several groups (5.x): a SubscriptionGroupList. */
export const updateAndCreateSubscriptionGroupList = command({
  code: 225,
  name: 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST',
})
