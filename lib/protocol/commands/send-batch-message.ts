import { command } from '../command.ts'
import { sendFieldsV2, sendWireNames, sentFields } from '../send-fields.ts'

/**
 * 320: stores several messages of one topic and queue; the body is a client batch, `msgId` in the answer lists one id
 * each.
 */
export const sendBatchMessage = command({
  code: 320,
  name: 'SEND_BATCH_MESSAGE',
  request: sendFieldsV2,
  response: sentFields,
  wireNames: sendWireNames,
})
