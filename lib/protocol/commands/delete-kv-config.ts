import { command, string } from '../command.ts'

/** 102: deletes one key of a name server namespace. */
export const deleteKvConfig = command({
  code: 102,
  name: 'DELETE_KV_CONFIG',
  request: { namespace: string, key: string },
})
