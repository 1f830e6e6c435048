import { stringifyJava } from '../../base/java-json.ts'
import { JsonReader, textOf } from './json-reader.ts'

/** Text by text: answers to GET_BROKER_RUNTIME_INFO, REGISTER_BROKER and GET_KVLIST_BY_NAMESPACE. */
export interface KVTable {
  readonly table: ReadonlyMap<string, string>
}

export const encodeKVTable = (body: KVTable): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeKVTable = (body: Buffer | string): KVTable => ({
  table: JsonReader.of(body, 'KVTable').table('table', textOf),
})

/** Names of topics, with one broker's address where that is asked for. */
export interface TopicList {
  readonly topicList: readonly string[]
  readonly brokerAddr?: string
}

export const encodeTopicList = (body: TopicList): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeTopicList = (body: Buffer | string): TopicList => {
  const reader = JsonReader.of(body, 'TopicList')
  const brokerAddr = reader.text('brokerAddr', undefined)
  return { topicList: reader.texts('topicList'), ...(brokerAddr === undefined ? {} : { brokerAddr }) }
}

/** Names of groups: answer to QUERY_TOPIC_CONSUME_BY_WHO. */
export interface GroupList {
  readonly groupList: readonly string[]
}

export const encodeGroupList = (body: GroupList): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeGroupList = (body: Buffer | string): GroupList => ({
  groupList: JsonReader.of(body, 'GroupList').texts('groupList'),
})

/** Client ids: answer to GET_CONSUMER_LIST_BY_GROUP. */
export interface GetConsumerListByGroupResponseBody {
  readonly consumerIdList: readonly string[]
}

export const encodeConsumerList = (body: GetConsumerListByGroupResponseBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeConsumerList = (body: Buffer | string): GetConsumerListByGroupResponseBody => ({
  consumerIdList: JsonReader.of(body, 'GetConsumerListByGroupResponseBody').texts('consumerIdList'),
})
