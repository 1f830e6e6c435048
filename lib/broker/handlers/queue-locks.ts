import { type Handler, handler, ResponseError, reply } from '../../net/handler.ts'
import { decodeLockBatchRequest, encodeLockBatchResponse } from '../../protocol/bodies/lock-batch.ts'
import { lockBatchMq } from '../../protocol/commands/lock-batch-mq.ts'
import { unlockBatchMq } from '../../protocol/commands/unlock-batch-mq.ts'
import { MAX_GROUP_LENGTH, retryTopic } from '../../protocol/names.ts'
import { MAX_CLIENT_ID_LENGTH } from '../clients.ts'
import type { QueueLocks } from '../consumers/queue-locks.ts'
import { checkGroupName, checkTopicName, decodedBody } from './refusals.ts'

/** What is kept with a lock has bounds. @throws {ResponseError} */
const checkKept = (clientId: string, brokerName: string): void => {
  if (clientId.length > MAX_CLIENT_ID_LENGTH) {
    throw new ResponseError('SYSTEM_ERROR', `a client id has at most ${MAX_CLIENT_ID_LENGTH} characters`)
  }
  if (brokerName.length > MAX_GROUP_LENGTH) {
    throw new ResponseError('SYSTEM_ERROR', `a broker name has at most ${MAX_GROUP_LENGTH} characters`)
  }
}

/** Queues for ordered consumption: codes 41 and 42. */
export const queueLockHandlers = (locks: QueueLocks): Handler[] => [
  handler(lockBatchMq, (_, { request }) => {
    const { consumerGroup, mqSet, clientId } = decodedBody(request.body, decodeLockBatchRequest)
    checkGroupName(consumerGroup)
    // A group's name may leave no room for the prefix of its retry topic, which it consumes all the same.
    for (const { topic, brokerName } of mqSet) {
      if (topic !== retryTopic(consumerGroup)) checkTopicName(topic)
      checkKept(clientId, brokerName)
    }
    const lockOKMQSet = locks.lock(consumerGroup, mqSet, clientId)
    return reply({}, { body: encodeLockBatchResponse({ lockOKMQSet }) })
  }),
  handler(unlockBatchMq, (_, { request }) => {
    const { consumerGroup, mqSet, clientId } = decodedBody(request.body, decodeLockBatchRequest)
    locks.unlock(consumerGroup, mqSet, clientId)
    return {}
  }),
]
