import { command, optional, string } from '../command.ts'

/** 53: sets the addresses that need no account in the 4.9 access control. */
export const updateGlobalWhiteAddrsConfig = command({
  code: 53,
  name: 'UPDATE_GLOBAL_WHITE_ADDRS_CONFIG',
  request: { globalWhiteAddrs: string, aclFileFullPath: optional(string) },
})
