import { command, string } from '../command.ts'

/** 100: sets one key of a name server namespace. */
export const putKvConfig = command({
  code: 100,
  name: 'PUT_KV_CONFIG',
  request: { namespace: string, key: string, value: string },
})
