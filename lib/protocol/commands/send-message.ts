import { command } from '../command.ts'
import { sendFields, sentFields } from '../send-fields.ts'

/**
 * 10: stores one message; its body is the body of the frame. `defaultTopic` is the model of a topic that is not there
 * yet.
 */
export const sendMessage = command({
  code: 10,
  name: 'SEND_MESSAGE',
  request: sendFields,
  response: sentFields,
})
