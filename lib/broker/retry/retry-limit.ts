import { ResponseError } from '../../net/handler.ts'
import type { SubscriptionGroupConfig } from '../../protocol/bodies/subscription-group.ts'
import { dlqTopic } from '../../protocol/names.ts'
import { PERM_READ, PERM_WRITE } from '../../protocol/permissions.ts'

/** What retries need of the group table: an unknown group may be made. */
export interface RetryGroups {
  find(group: string): Pick<SubscriptionGroupConfig, 'retryMaxTimes' | 'retryQueueNums'> | undefined
}

/** What retries need of the topic table. */
export interface RetryTopics {
  /** Makes a topic of the broker's own accord; undefined when its name is not valid or there are too many. */
  createOnSendBack(
    name: string,
    queueNums: number,
    perm: number,
    topicSysFlag: number,
  ): { readonly perm: number; readonly readQueueNums: number } | undefined
}

/** Queues of a dead-letter topic. */
const DEAD_LETTER_QUEUES = 1
/** Version 3.4.9: requests of older clients do not say how often a message may be consumed. */
const FIRST_VERSION_WITH_LIMIT = 121
const HELP = '\nSee http://rocketmq.apache.org/docs/faq/ for further details.'

/** A group's settings. @throws {ResponseError} `SUBSCRIPTION_GROUP_NOT_EXIST` */
export const retryGroup = (groups: RetryGroups, name: string) => {
  const group = groups.find(name)
  if (group !== undefined) return group
  throw new ResponseError('SUBSCRIPTION_GROUP_NOT_EXIST', `subscription group not exist, ${name} ${HELP}`)
}

/** How often a group consumes a message again: what the request of a client not too old says, else the group's. */
export const retryLimit = (
  group: { readonly retryMaxTimes: number },
  version: number,
  asked: number | undefined,
): number => (asked !== undefined && version >= FIRST_VERSION_WITH_LIMIT ? asked : group.retryMaxTimes)

/** A topic that is made when it is not there. @throws {ResponseError} `SYSTEM_ERROR` when it cannot be made */
export const topicFor = (topics: RetryTopics, name: string, queueNums: number, topicSysFlag: number) => {
  const topic = topics.createOnSendBack(name, queueNums, PERM_READ | PERM_WRITE, topicSysFlag)
  if (topic === undefined) throw new ResponseError('SYSTEM_ERROR', `topic[${name}] not exist`)
  return topic
}

/** Where a group's dead letters go; its topic is made when it is not there. @throws {ResponseError} `SYSTEM_ERROR` */
export const deadLettersOf = (topics: RetryTopics, group: string): { topic: string; queueId: number } => {
  const topic = dlqTopic(group)
  topicFor(topics, topic, DEAD_LETTER_QUEUES, 0)
  return { topic, queueId: 0 }
}
