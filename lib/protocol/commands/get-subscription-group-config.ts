import { command, resourceName } from '../command.ts'

/** 352: settings of one group (5.x): a SubscriptionGroupConfig in the body of the answer. */
export const getSubscriptionGroupConfig = command({
  code: 352,
  name: 'GET_SUBSCRIPTIONGROUP_CONFIG',
  request: { group: resourceName },
})
