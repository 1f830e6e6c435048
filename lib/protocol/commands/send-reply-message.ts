import { command } from '../command.ts'
import { sendFields, sentFields } from '../send-fields.ts'

/** 324: sends the reply of request-reply. */
export const sendReplyMessage = command({
  code: 324,
  name: 'SEND_REPLY_MESSAGE',
  request: sendFields,
  response: sentFields,
})
