import { stringifyJava } from '../../base/java-json.ts'
import { JsonReader } from './json-reader.ts'
import { type MessageQueue, messageQueueOf } from './message-queue.ts'

/** Body of LOCK_BATCH_MQ and UNLOCK_BATCH_MQ. */
export interface LockBatchRequestBody {
  readonly consumerGroup: string
  readonly clientId: string
  readonly mqSet: readonly MessageQueue[]
}

export const encodeLockBatchRequest = (body: LockBatchRequestBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeLockBatchRequest = (body: Buffer | string): LockBatchRequestBody => {
  const reader = JsonReader.of(body, 'LockBatchRequestBody')
  return {
    consumerGroup: reader.text('consumerGroup', ''),
    clientId: reader.text('clientId', ''),
    mqSet: reader.list('mqSet', messageQueueOf),
  }
}

/** Answer to LOCK_BATCH_MQ: the queues that the client has now. */
export interface LockBatchResponseBody {
  readonly lockOKMQSet: readonly MessageQueue[]
}

export const encodeLockBatchResponse = (body: LockBatchResponseBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeLockBatchResponse = (body: Buffer | string): LockBatchResponseBody => ({
  lockOKMQSet: JsonReader.of(body, 'LockBatchResponseBody').list('lockOKMQSet', messageQueueOf),
})
