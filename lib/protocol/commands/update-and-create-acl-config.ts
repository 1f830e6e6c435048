import { bool, command, optional, string } from '../command.ts'

/** 50: creates or changes an account of the 4.9 access control. */
export const updateAndCreateAclConfig = command({
  code: 50,
  name: 'UPDATE_AND_CREATE_ACL_CONFIG',
  request: {
    accessKey: string,
    secretKey: optional(string),
    whiteRemoteAddress: optional(string),
    admin: optional(bool, false),
    defaultTopicPerm: optional(string),
    defaultGroupPerm: optional(string),
    topicPerms: optional(string),
    groupPerms: optional(string),
  },
})
