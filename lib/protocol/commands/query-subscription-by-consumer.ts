import { command, resourceName } from '../command.ts'

/** 345: what a connected group wants of a topic (5.x): a QuerySubscriptionResponseBody. */
export const querySubscriptionByConsumer = command({
  code: 345,
  name: 'QUERY_SUBSCRIPTION_BY_CONSUMER',
  request: { group: resourceName, topic: resourceName },
})
