import { handler, ResponseError } from '../../net/handler.ts'
import { updateConsumerOffset } from '../../protocol/commands/update-consumer-offset.ts'
import { groupNameFault } from '../groups/group-table.ts'
import type { OffsetWriter } from '../offsets/consumer-offsets.ts'
import type { TopicReader } from '../topics/topic-table.ts'

/** Stores where a group stands, for topics the broker has. */
export const updateConsumerOffsetHandler = (offsets: OffsetWriter, topics: TopicReader) =>
  handler(updateConsumerOffset, ({ consumerGroup, topic, queueId, commitOffset }) => {
    const wrong = groupNameFault(consumerGroup)
    if (wrong !== undefined) throw new ResponseError('SYSTEM_ERROR', wrong)
    if (topics.get(topic) === undefined) throw new ResponseError('TOPIC_NOT_EXIST', `Topic ${topic} not exist!`)
    if (!offsets.commit(consumerGroup, topic, queueId, commitOffset)) {
      throw new ResponseError('SYSTEM_ERROR', `offset ${commitOffset} of ${topic}:${queueId} cannot be stored`)
    }
    return {}
  })
