import { command, optional, string } from '../command.ts'

/** 35: takes a client out of its groups. */
export const unregisterClient = command({
  code: 35,
  name: 'UNREGISTER_CLIENT',
  request: { clientID: string, producerGroup: optional(string), consumerGroup: optional(string) },
})
