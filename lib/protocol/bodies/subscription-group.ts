import { type JavaJson, type JavaJsonObject, stringifyJava } from '../../base/java-json.ts'
import { type DataVersion, dataVersionOf } from './data-version.ts'
import { JsonReader } from './json-reader.ts'

/** Settings of one consumer group. */
export interface SubscriptionGroupConfig {
  readonly groupName: string
  readonly consumeEnable: boolean
  readonly consumeFromMinEnable: boolean
  readonly consumeBroadcastEnable: boolean
  readonly retryQueueNums: number
  /** Deliveries of one message before it goes to the dead letter topic. */
  readonly retryMaxTimes: number
  readonly brokerId: number
  /** Broker that is suggested to a consumer that is far behind. */
  readonly whichBrokerWhenConsumeSlowly: number
  readonly notifyConsumerIdsChangedEnable: boolean
  /** Members another version wrote, kept as they are. */
  readonly others?: JavaJsonObject
}

/** A group with Java's defaults. */
export const subscriptionGroupConfig = (
  groupName: string,
  changes: Partial<Omit<SubscriptionGroupConfig, 'groupName'>> = {},
): SubscriptionGroupConfig => ({
  groupName,
  consumeEnable: true,
  consumeFromMinEnable: true,
  consumeBroadcastEnable: true,
  retryQueueNums: 1,
  retryMaxTimes: 16,
  brokerId: 0,
  whichBrokerWhenConsumeSlowly: 1,
  notifyConsumerIdsChangedEnable: true,
  ...changes,
})

const MEMBERS: ReadonlySet<string> = new Set(Object.keys(subscriptionGroupConfig('')))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const subscriptionGroupConfigOf = (
  value: JavaJson,
  what = 'SubscriptionGroupConfig',
): SubscriptionGroupConfig => {
  const reader = new JsonReader(value, what)
  const others = reader.others(MEMBERS)
  return subscriptionGroupConfig(reader.text('groupName', ''), {
    consumeEnable: reader.flag('consumeEnable', true),
    consumeFromMinEnable: reader.flag('consumeFromMinEnable', true),
    consumeBroadcastEnable: reader.flag('consumeBroadcastEnable', true),
    retryQueueNums: reader.number('retryQueueNums', 1),
    retryMaxTimes: reader.number('retryMaxTimes', 16),
    brokerId: reader.number('brokerId', 0),
    whichBrokerWhenConsumeSlowly: reader.number('whichBrokerWhenConsumeSlowly', 1),
    notifyConsumerIdsChangedEnable: reader.flag('notifyConsumerIdsChangedEnable', true),
    ...(others === undefined ? {} : { others }),
  })
}

const configJson = ({ others, ...config }: SubscriptionGroupConfig): object => ({ ...others, ...config })

export const encodeSubscriptionGroupConfig = (config: SubscriptionGroupConfig): Buffer =>
  Buffer.from(stringifyJava(configJson(config)))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeSubscriptionGroupConfig = (body: Buffer | string): SubscriptionGroupConfig =>
  subscriptionGroupConfigOf(JsonReader.of(body, 'SubscriptionGroupConfig').members as JavaJson)

/** All groups of a broker: the content of subscriptionGroup.json and the answer to GET_ALL_SUBSCRIPTIONGROUP_CONFIG. */
export interface SubscriptionGroupWrapper {
  readonly dataVersion: DataVersion
  readonly subscriptionGroupTable: ReadonlyMap<string, SubscriptionGroupConfig>
  /** Members another version wrote, kept as they are. */
  readonly others?: JavaJsonObject
}

const WRAPPER_MEMBERS: ReadonlySet<string> = new Set(['dataVersion', 'subscriptionGroupTable'])

/** @param pretty the form of subscriptionGroup.json */
export const encodeSubscriptionGroupWrapper = (wrapper: SubscriptionGroupWrapper, pretty = false): Buffer => {
  const { others, dataVersion, subscriptionGroupTable } = wrapper
  const table = new Map([...subscriptionGroupTable].map(([name, config]) => [name, configJson(config)]))
  return Buffer.from(stringifyJava({ ...others, dataVersion, subscriptionGroupTable: table }, { pretty }))
}

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeSubscriptionGroupWrapper = (body: Buffer | string): SubscriptionGroupWrapper => {
  const reader = JsonReader.of(body, 'SubscriptionGroupWrapper')
  const others = reader.others(WRAPPER_MEMBERS)
  return {
    dataVersion: dataVersionOf(reader.members.dataVersion ?? Object.create(null)),
    subscriptionGroupTable: reader.table('subscriptionGroupTable', subscriptionGroupConfigOf),
    ...(others === undefined ? {} : { others }),
  }
}

/** Groups of a SubscriptionGroupList. @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeSubscriptionGroupList = (body: Buffer | string): SubscriptionGroupConfig[] =>
  JsonReader.of(body, 'SubscriptionGroupList').list('groupConfigList', (group) => subscriptionGroupConfigOf(group))
