import { ProtocolError } from '../../protocol/protocol-error.ts'
import type { QueueMessages, StoredMessages } from '../messages/stored-messages.ts'
import { HALF_QUEUE_ID } from './half-message.ts'

/** Messages that stand behind each other in a queue of transactions, and where to go on. */
export type QueueRun = Pick<QueueMessages, 'messages' | 'nextOffset'>

/** Up to `maxCount` messages of a queue of transactions. One that cannot be decoded keeps no other from being read. */
export const readRun = async (
  messages: Pick<StoredMessages, 'ofQueue'>,
  topic: string,
  fromOffset: number,
  maxCount: number,
): Promise<QueueRun> => {
  try {
    return await messages.ofQueue(topic, HALF_QUEUE_ID, fromOffset, maxCount)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    if (maxCount > 1) return readRun(messages, topic, fromOffset, 1)
    return { messages: [], nextOffset: fromOffset + 1 }
  }
}
