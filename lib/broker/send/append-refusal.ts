import { ResponseCode } from '../../protocol/response-codes.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'

/** Java's answer for each way in which an append can fail. */
export type AppendRefusal = (status: AppendStatus) => { readonly code: number; readonly remark: string }

/** The one place where store statuses become response codes of a send. */
export const refusalOf = (
  store: Pick<MessageStore, 'failure' | 'retention'>,
  maxMessageBytes: number,
): AppendRefusal => {
  const unavailable = (reason: string) => ({
    code: ResponseCode.SERVICE_NOT_AVAILABLE,
    remark: `service not available now. It may be caused by one of the following reasons: the broker's disk is full, messages are put to the slave, message store has been shut down, etc. Cause: ${reason}`,
  })
  // The file system's own refusal when retention has none to tell.
  const noSpace = () => `STORE_NO_SPACE: ${store.retention.refusal || 'the device is full'}`
  return (status) => {
    switch (status) {
      case AppendStatus.TOO_LARGE:
        return {
          code: ResponseCode.MESSAGE_ILLEGAL,
          remark: `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${maxMessageBytes}B, msg properties length limit 32KB.`,
        }
      case AppendStatus.NO_SPACE:
        return unavailable(noSpace())
      case AppendStatus.TOO_MANY_FILES:
        return unavailable('STORE_TOO_MANY_FILES')
      case AppendStatus.MAP_LIMIT:
        return unavailable('STORE_MAP_LIMIT')
      case AppendStatus.READ_ONLY_FILE_SYSTEM:
        return unavailable('STORE_READ_ONLY_FILE_SYSTEM')
      case AppendStatus.READ_ONLY:
        return unavailable(store.failure?.message ?? 'STORE_READ_ONLY')
      case AppendStatus.CLOSED:
        return unavailable('STORE_CLOSED')
      case AppendStatus.BUSY:
        return {
          code: ResponseCode.SYSTEM_BUSY,
          remark:
            '[REJECTREQUEST]system busy, start flow control for a while. Cause: STORE_BUSY: the memory for messages on their way to the device is full',
        }
      case AppendStatus.INVALID_ARGUMENT:
        return { code: ResponseCode.MESSAGE_ILLEGAL, remark: 'the message is illegal: a length or range is off' }
      default:
        return { code: ResponseCode.SYSTEM_ERROR, remark: `the store refused the message, status ${status}` }
    }
  }
}
