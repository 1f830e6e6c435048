import { errorText } from '../../base/errors.ts'
import type { ThrottledLog } from '../../base/throttled-log.ts'
import { formatAddress } from '../../net/address.ts'
import { handler, type RequestContext, ResponseError } from '../../net/handler.ts'
import { type ConsumerData, decodeHeartbeat, type HeartbeatData } from '../../protocol/bodies/heartbeat.ts'
import type { SubscriptionData } from '../../protocol/bodies/subscription-data.ts'
import type { SubscriptionGroupConfig } from '../../protocol/bodies/subscription-group.ts'
import { heartBeat } from '../../protocol/commands/heart-beat.ts'
import { retryTopic } from '../../protocol/names.ts'
import { PERM_READ, PERM_WRITE } from '../../protocol/permissions.ts'
import { TopicSysFlag } from '../../protocol/sys-flags.ts'
import { type ClientIdentity, MAX_CLIENT_ID_LENGTH } from '../clients.ts'
import { checkGroupName, checkProducerGroupName, checkTopicName, decodedBody } from './refusals.ts'

/** What registering clients needs. */
export interface Arrival {
  readonly groups: { find(group: string): SubscriptionGroupConfig | undefined }
  readonly topics: { createOnSendBack(name: string, queueNums: number, perm: number, topicSysFlag: number): unknown }
  readonly consumers: { register(client: ClientIdentity, data: ConsumerData, notify: boolean): boolean }
  readonly filters: { register(group: string, subscriptions: readonly SubscriptionData[]): void }
  readonly producers: { register(client: ClientIdentity, group: string): void }
  /** Where heartbeats that are not taken are told. */
  readonly refusals: Pick<ThrottledLog, 'warn'>
}

/** Nothing of a heartbeat is taken when any of its names is not valid. */
const checkNames = ({ clientID, consumerDataSet, producerDataSet }: HeartbeatData): void => {
  if (clientID === '' || clientID.length > MAX_CLIENT_ID_LENGTH) {
    throw new ResponseError('SYSTEM_ERROR', `a client id has 1 to ${MAX_CLIENT_ID_LENGTH} characters`)
  }
  for (const { groupName } of producerDataSet) checkProducerGroupName(groupName)
  for (const { groupName, subscriptionDataSet } of consumerDataSet) {
    checkGroupName(groupName)
    // Every consumer subscribes to its retry topic, also one whose group's name leaves no room for the prefix.
    for (const { topic } of subscriptionDataSet) if (topic !== retryTopic(groupName)) checkTopicName(topic)
  }
}

const joinConsumers = (
  client: ClientIdentity,
  data: ConsumerData,
  { groups, topics, consumers, filters }: Arrival,
): void => {
  const group = groups.find(data.groupName)
  if (group !== undefined) {
    const sysFlag = data.unitMode ? TopicSysFlag.UNIT_SUB : 0
    topics.createOnSendBack(retryTopic(data.groupName), group.retryQueueNums, PERM_READ | PERM_WRITE, sysFlag)
  }
  consumers.register(client, data, group?.notifyConsumerIdsChangedEnable ?? true)
  filters.register(data.groupName, data.subscriptionDataSet)
}

/** @throws {ResponseError}, logged: a client whose heartbeats are refused gets no messages and may not say why */
const checkedHeartbeat = ({ connection, request }: RequestContext, refusals: Arrival['refusals']): HeartbeatData => {
  try {
    const heartbeat = decodedBody(request.body, decodeHeartbeat)
    checkNames(heartbeat)
    return heartbeat
  } catch (error) {
    refusals.warn({ peer: formatAddress(connection.remote), reason: errorText(error) }, 'heartbeat refused')
    throw error
  }
}

/** Registers a client with its groups; an unknown consumer group gets its settings and its retry topic. */
export const heartBeatHandler = (arrival: Arrival) =>
  handler(heartBeat, (_, context) => {
    const { connection, request } = context
    const heartbeat = checkedHeartbeat(context, arrival.refusals)
    const { clientID: clientId, consumerDataSet, producerDataSet } = heartbeat
    const client = { connection, clientId, language: request.language, version: request.version }
    for (const data of consumerDataSet) joinConsumers(client, data, arrival)
    for (const { groupName } of producerDataSet) arrival.producers.register(client, groupName)
    return {}
  })
