import { bool, command, optional, resourceName } from '../command.ts'

/** 207: deletes a group, and its offsets with `removeOffset` (4.9) or `cleanOffset` (5.x). */
export const deleteSubscriptionGroup = command({
  code: 207,
  name: 'DELETE_SUBSCRIPTIONGROUP',
  request: { groupName: resourceName, removeOffset: optional(bool, false), cleanOffset: optional(bool, false) },
})
