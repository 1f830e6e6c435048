import { command, int32, string } from '../command.ts'

/** 205: takes the write permission from all topics of a broker in the name server. */
export const wipeWritePermOfBroker = command({
  code: 205,
  name: 'WIPE_WRITE_PERM_OF_BROKER',
  request: { brokerName: string },
  response: { wipeTopicCount: int32 },
})
