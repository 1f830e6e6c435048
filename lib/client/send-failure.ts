import { errorText } from '../base/errors.ts'
import { NetError, RemoteError } from '../net/net-error.ts'
import { ResponseCode } from '../protocol/response-codes.ts'
import { ClientError } from './client-error.ts'

/** Answers after which another broker may take the message. */
const TRY_ELSEWHERE: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.FLOW_CONTROL,
])

/** Whether another broker may take a message that one did not. */
export const mayTryElsewhere = (error: unknown): boolean =>
  error instanceof RemoteError
    ? TRY_ELSEWHERE.has(error.responseCode)
    : error instanceof NetError || (error instanceof ClientError && error.code === 'CLIENT_NO_ROUTE')

/**
 * What the caller is told when no attempt succeeded.
 * @param cause failure of the last attempt; undefined when there was none
 * @param isLate whether the time for it all is over
 */
export const sendFailure = (topic: string, timeoutMs: number, cause: unknown, isLate: boolean): ClientError => {
  if (cause instanceof ClientError) return cause
  if (isLate && (cause === undefined || mayTryElsewhere(cause)))
    return new ClientError('CLIENT_TIMEOUT', `a message to ${topic} was not sent in ${timeoutMs} ms`, { cause })
  const retryable = cause instanceof RemoteError || cause instanceof NetError ? cause.retryable : false
  return new ClientError('CLIENT_SEND_FAILED', `no broker took a message to ${topic}: ${errorText(cause)}`, {
    cause,
    retryable,
  })
}

const aborted = (signal: AbortSignal): ClientError =>
  new ClientError('CLIENT_ABORTED', 'the send was aborted', { cause: signal.reason })

/** Settles as `work` does, or rejects with `CLIENT_ABORTED` as soon as the signal is aborted. */
export const orAborted = <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted(signal))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
