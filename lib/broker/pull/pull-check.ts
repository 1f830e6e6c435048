import { ResponseError } from '../../net/handler.ts'
import { isValidTopic } from '../../protocol/names.ts'
import { PERM_READ } from '../../protocol/permissions.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { type PullFilters, type PullSubscription, pullFilter } from './pull-filter.ts'
import type { PullPlan } from './pull-plan.ts'
import type { PullRequest } from './pull-request.ts'

/** What the pull path reads of a group's configuration. */
export interface PullGroupConfig {
  readonly consumeEnable: boolean
  readonly consumeBroadcastEnable: boolean
  readonly brokerId: number
  readonly whichBrokerWhenConsumeSlowly: number
}

/** What the pull path asks of the rest of the broker. */
export interface PullSources {
  readonly topics: { get(name: string): { readonly perm: number; readonly readQueueNums: number } | undefined }
  readonly groups: { find(group: string): PullGroupConfig | undefined }
  readonly consumers: {
    group(group: string): { readonly messageModel: string } | undefined
    subscription(group: string, topic: string): PullSubscription | undefined
  }
  readonly filters: PullFilters
  readonly store: Pick<MessageStore, 'topic'>
  readonly broker: { readonly address: string; readonly readable: () => boolean }
}

/**
 * Checks what the plan asks for, and fills in the rest of it.
 * @throws {ResponseError}
 */
export const completePlan = (plan: PullPlan, sources: PullSources): void => {
  const group = checkedGroup(plan, sources)
  plan.topicHandle = sources.store.topic(plan.topic)
  plan.groupConfig = group
  plan.filter = pullFilter(plan, group, sources)
}

/**
 * Checks a pull that waited once more: what it asks for may be gone or forbidden by now.
 * @throws {ResponseError}
 */
export const recheckPull = (request: PullRequest, sources: PullSources): void => {
  pullFilter(request, checkedGroup(request, sources), sources)
}

/** Checks in Java's order and with Java's answers. */
const checkedGroup = (request: PullRequest, sources: PullSources): PullGroupConfig => {
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
    const { address, port } = request.connection.remote
    throw new ResponseError('SYSTEM_ERROR', `${where} consumer:[/${address}:${port}]`)
  }
  return group
}
