import { ResponseError } from '../../net/handler.ts'
import { javaStringHash } from '../../protocol/java-string-hash.ts'
import { isValidTopic } from '../../protocol/names.ts'
import { PERM_READ } from '../../protocol/permissions.ts'
import { PullSysFlag } from '../../protocol/sys-flags.ts'
import type { MessageStore, TopicHandle } from '../../store/message-store.ts'
import type { PullRequest } from './pull-request.ts'

/** What the pull path reads of a group's configuration. */
export interface PullGroupConfig {
  readonly consumeEnable: boolean
  readonly consumeBroadcastEnable: boolean
  readonly brokerId: number
  readonly whichBrokerWhenConsumeSlowly: number
}

/** What the pull path reads of a subscription. */
export interface PullSubscription {
  readonly subString: string
  readonly codeSet: readonly number[]
  readonly subVersion: number
  readonly expressionType?: string | undefined
}

/** What the pull path asks of the rest of the broker. */
export interface PullSources {
  readonly topics: { get(name: string): { readonly perm: number; readonly readQueueNums: number } | undefined }
  readonly groups: { find(group: string): PullGroupConfig | undefined }
  readonly consumers: {
    group(group: string): { readonly messageModel: string } | undefined
    subscription(group: string, topic: string): PullSubscription | undefined
  }
  readonly store: Pick<MessageStore, 'topic'>
  readonly broker: { readonly address: string; readonly readable: () => boolean }
}

/** A checked pull: which queue, and which tags. */
export interface PullPlan {
  readonly request: PullRequest
  readonly topic: TopicHandle
  readonly group: PullGroupConfig
  /** Undefined passes every message. */
  readonly tagCodes: Int32Array | undefined
}

const SUBSCRIBE_ALL = '*'
const tagCodesOf = new WeakMap<readonly number[], Int32Array>()

/**
 * Checks a pull in Java's order and with Java's answers.
 * @throws {ResponseError}
 */
export const planPull = (request: PullRequest, sources: PullSources): PullPlan => {
  const { group: groupName, topic: topicName } = request
  if (!sources.broker.readable()) {
    throw new ResponseError('NO_PERMISSION', `the broker[${sources.broker.address}] pulling message is forbidden`)
  }
  const group = sources.groups.find(groupName)
  if (group === undefined) {
    throw new ResponseError('SUBSCRIPTION_GROUP_NOT_EXIST', `subscription group [${groupName}] does not exist`)
  }
  if (!group.consumeEnable) throw new ResponseError('NO_PERMISSION', `subscription group no permission, ${groupName}`)
  const config = isValidTopic(topicName) ? sources.topics.get(topicName) : undefined
  if (config === undefined) {
    throw new ResponseError('TOPIC_NOT_EXIST', `topic[${topicName}] not exist, apply first please!`)
  }
  if ((config.perm & PERM_READ) === 0) {
    throw new ResponseError('NO_PERMISSION', `the topic[${topicName}] pulling message is forbidden`)
  }
  if (request.queueId < 0 || request.queueId >= config.readQueueNums) {
    const where = `queueId[${request.queueId}] is illegal, topic:[${topicName}] topicConfig.readQueueNums:[${config.readQueueNums}]`
    const { address, port } = request.to.connection.remote
    throw new ResponseError('SYSTEM_ERROR', `${where} consumer:[/${address}:${port}]`)
  }
  return { request, topic: sources.store.topic(topicName), group, tagCodes: tagFilter(request, group, sources) }
}

const tagFilter = (request: PullRequest, group: PullGroupConfig, sources: PullSources): Int32Array | undefined => {
  const subscription =
    (request.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0
      ? { expressionType: request.expressionType, ...parseTagExpression(request.subscription) }
      : knownSubscription(request, group, sources)
  const { expressionType } = subscription
  if (expressionType !== undefined && expressionType !== '' && expressionType !== 'TAG') {
    throw new ResponseError(
      'SYSTEM_ERROR',
      `The broker does not support consumer to filter message by ${expressionType}`,
    )
  }
  if (subscription.subString === SUBSCRIBE_ALL) return undefined
  let codes = tagCodesOf.get(subscription.codeSet)
  if (codes === undefined) {
    codes = Int32Array.from(subscription.codeSet)
    tagCodesOf.set(subscription.codeSet, codes)
  }
  return codes
}

const knownSubscription = (request: PullRequest, config: PullGroupConfig, sources: PullSources): PullSubscription => {
  const group = sources.consumers.group(request.group)
  if (group === undefined) throw new ResponseError('SUBSCRIPTION_NOT_EXIST', "the consumer's group info not exist")
  if (!config.consumeBroadcastEnable && group.messageModel === 'BROADCASTING') {
    const remark = `the consumer group[${request.group}] can not consume by broadcast way`
    throw new ResponseError('NO_PERMISSION', remark)
  }
  const subscription = sources.consumers.subscription(request.group, request.topic)
  if (subscription === undefined) {
    throw new ResponseError('SUBSCRIPTION_NOT_EXIST', "the consumer's subscription not exist")
  }
  if (subscription.subVersion < request.subVersion) {
    throw new ResponseError('SUBSCRIPTION_NOT_LATEST', "the consumer's subscription not latest")
  }
  return subscription
}

/**
 * Reads a tag expression as it travels in a pull request: nothing or `*` is everything, else tags joined by `||`.
 * @throws {ResponseError} `SUBSCRIPTION_PARSE_FAILED`
 */
export const parseTagExpression = (text: string | undefined): { subString: string; codeSet: number[] } => {
  if (text === undefined || text === '' || text === SUBSCRIBE_ALL) return { subString: SUBSCRIBE_ALL, codeSet: [] }
  const tags = text
    .split('||')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
  if (tags.length === 0) {
    throw new ResponseError('SUBSCRIPTION_PARSE_FAILED', "parse the consumer's subscription failed")
  }
  return { subString: text, codeSet: tags.map(javaStringHash) }
}
