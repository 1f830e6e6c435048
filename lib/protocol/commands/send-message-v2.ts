import { command } from '../command.ts'
import { sendFieldsV2, sendWireNames, sentFields } from '../send-fields.ts'

/** 310: SEND_MESSAGE with one-letter names on the wire. */
export const sendMessageV2 = command({
  code: 310,
  name: 'SEND_MESSAGE_V2',
  request: sendFieldsV2,
  response: sentFields,
  wireNames: sendWireNames,
})
