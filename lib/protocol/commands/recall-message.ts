import { command, optional, resourceName, string } from '../command.ts'

/** 370: calls a message off that waits for its delivery time. The handle is that of the answer to its send. */
export const recallMessage = command({
  code: 370,
  name: 'RECALL_MESSAGE',
  request: { producerGroup: optional(string), topic: resourceName, recallHandle: string },
  response: { msgId: string, MSG_REGION: optional(string) },
})
