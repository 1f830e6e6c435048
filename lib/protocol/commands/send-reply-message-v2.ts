import { command } from '../command.ts'
import { sendFieldsV2, sendWireNames, sentFields } from '../send-fields.ts'

/** 325: SEND_REPLY_MESSAGE with one-letter names on the wire. */
export const sendReplyMessageV2 = command({
  code: 325,
  name: 'SEND_REPLY_MESSAGE_V2',
  request: sendFieldsV2,
  response: sentFields,
  wireNames: sendWireNames,
})
