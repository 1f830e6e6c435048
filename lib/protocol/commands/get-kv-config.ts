import { command, optional, string } from '../command.ts'

/** 101: reads one key of a name server namespace. */
export const getKvConfig = command({
  code: 101,
  name: 'GET_KV_CONFIG',
  request: { namespace: string, key: string },
  response: { value: optional(string) },
})
