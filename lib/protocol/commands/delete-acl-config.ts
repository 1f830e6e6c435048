import { command, string } from '../command.ts'

/** 51: deletes an account of the 4.9 access control. */
export const deleteAclConfig = command({
  code: 51,
  name: 'DELETE_ACL_CONFIG',
  request: { accessKey: string },
})
