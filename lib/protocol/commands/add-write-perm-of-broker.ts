import { command, int32, string } from '../command.ts'

/** 327: gives the write permission back to all topics of a broker in the name server. */
export const addWritePermOfBroker = command({
  code: 327,
  name: 'ADD_WRITE_PERM_OF_BROKER',
  request: { brokerName: string },
  response: { addTopicCount: int32 },
})
