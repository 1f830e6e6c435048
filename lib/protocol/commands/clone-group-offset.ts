import { bool, command, optional, resourceName, string } from '../command.ts'

/** 314: copies the offsets of one group to another. */
export const cloneGroupOffset = command({
  code: 314,
  name: 'CLONE_GROUP_OFFSET',
  request: { srcGroup: resourceName, destGroup: resourceName, topic: optional(string), offline: optional(bool, false) },
})
