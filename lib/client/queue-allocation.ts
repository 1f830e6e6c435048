import type { MessageQueue } from './message.ts'

const byBrokerAndId = (a: MessageQueue, b: MessageQueue): number => {
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1
  return a.queueId - b.queueId
}

/**
 * The queues that one member of a group reads: RocketMQ's default allocation ("AVG"). All members sort queues and
 * member ids alike and each takes its consecutive share, so that they agree without talking to each other.
 *
 * @param members ids of all members of the group
 * @returns none when `member` is not among them
 */
export const allocateQueues = (
  member: string,
  members: readonly string[],
  queues: readonly MessageQueue[],
): MessageQueue[] => {
  const sortedMembers = [...new Set(members)].sort()
  const index = sortedMembers.indexOf(member)
  if (index < 0) return []
  const sortedQueues = [...queues].sort(byBrokerAndId)
  const share = Math.floor(sortedQueues.length / sortedMembers.length)
  const remainder = sortedQueues.length % sortedMembers.length
  const start = index * share + Math.min(index, remainder)
  return sortedQueues.slice(start, start + share + (index < remainder ? 1 : 0))
}
