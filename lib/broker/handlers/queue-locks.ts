import { type Handler, handler, reply } from '../../net/handler.ts'
import { decodeLockBatchRequest, encodeLockBatchResponse } from '../../protocol/bodies/lock-batch.ts'
import { lockBatchMq } from '../../protocol/commands/lock-batch-mq.ts'
import { unlockBatchMq } from '../../protocol/commands/unlock-batch-mq.ts'
import { retryTopic } from '../../protocol/names.ts'
import type { QueueLocks } from '../consumers/queue-locks.ts'
import { checkGroupName, checkTopicName, decodedBody } from './refusals.ts'

/** Queues for ordered consumption: codes 41 and 42. */
export const queueLockHandlers = (locks: QueueLocks): Handler[] => [
  handler(lockBatchMq, (_, { request }) => {
    const { consumerGroup, mqSet, clientId } = decodedBody(request.body, decodeLockBatchRequest)
    checkGroupName(consumerGroup)
    // A group's name may leave no room for the prefix of its retry topic, which it consumes all the same.
    for (const { topic } of mqSet) if (topic !== retryTopic(consumerGroup)) checkTopicName(topic)
    const lockOKMQSet = locks.lock(consumerGroup, mqSet, clientId)
    return reply({}, { body: encodeLockBatchResponse({ lockOKMQSet }) })
  }),
  handler(unlockBatchMq, (_, { request }) => {
    const { consumerGroup, mqSet, clientId } = decodedBody(request.body, decodeLockBatchRequest)
    locks.unlock(consumerGroup, mqSet, clientId)
    return {}
  }),
]
