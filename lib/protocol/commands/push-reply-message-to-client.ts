import { command, int64, string } from '../command.ts'
import { messageFields } from '../send-fields.ts'

/** 326: broker to producer: the reply to a request; its body is the body of the frame. */
export const pushReplyMessageToClient = command({
  code: 326,
  name: 'PUSH_REPLY_MESSAGE_TO_CLIENT',
  request: { ...messageFields, bornHost: string, storeHost: string, storeTimestamp: int64 },
})
