import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader, numberKeyed, textOf } from './json-reader.ts'

/** From this version ordinal on (4.9.4) clients get routes in standard JSON. */
export const STANDARD_JSON_SINCE_VERSION = 401

/** Queues of a topic on the brokers with one name. */
export interface QueueData {
  readonly brokerName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  /** Permission bits. */
  readonly perm: number
  readonly topicSysFlag: number
}

/** The brokers with one name. */
export interface BrokerData {
  readonly cluster: string
  readonly brokerName: string
  /** `host:port` by broker id; 0 is the master. */
  readonly brokerAddrs: ReadonlyMap<number, string>
  readonly zoneName?: string
  readonly enableActingMaster?: boolean
}

/** Answer to GET_ROUTEINFO_BY_TOPIC: which brokers have a topic, and its queues there. */
export interface TopicRouteData {
  readonly queueDatas: readonly QueueData[]
  readonly brokerDatas: readonly BrokerData[]
  /** Filter servers by broker address. */
  readonly filterServerTable: ReadonlyMap<string, readonly string[]>
  /** `broker:queues;...` of an ordered topic. */
  readonly orderTopicConf?: string
}

const textListOf = (value: JavaJson, what: string): string[] => new JsonReader({ list: value }, what).texts('list')

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const brokerDataOf = (value: JavaJson, what = 'BrokerData'): BrokerData => {
  const reader = new JsonReader(value, what)
  const zoneName = reader.text('zoneName', undefined)
  return {
    cluster: reader.text('cluster', ''),
    brokerName: reader.text('brokerName', ''),
    brokerAddrs: numberKeyed(reader.table('brokerAddrs', textOf), what),
    ...(zoneName === undefined ? {} : { zoneName }),
    ...(reader.flag('enableActingMaster', false) ? { enableActingMaster: true } : {}),
  }
}

const queueDataOf = (value: JavaJson, what: string): QueueData => {
  const reader = new JsonReader(value, what)
  return {
    brokerName: reader.text('brokerName', ''),
    readQueueNums: reader.number('readQueueNums', 0),
    writeQueueNums: reader.number('writeQueueNums', 0),
    perm: reader.number('perm', 0),
    topicSysFlag: reader.number('topicSysFlag', 0),
  }
}

/**
 * Writes a route, always without blanks: the Go client splits `brokerAddrs` by hand.
 * @param standard standard JSON (quoted broker ids, sorted keys, ASCII only), for clients from version 401 on and those
 *   that ask for it; otherwise fastjson's own form with bare broker ids
 */
export const encodeTopicRoute = (route: TopicRouteData, standard: boolean): Buffer =>
  Buffer.from(stringifyJava(route, standard ? { numericKeys: 'quoted', ascii: true, sortMaps: true } : {}))

/** Reads a route in either form. @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeTopicRoute = (body: Buffer | string): TopicRouteData => {
  const reader = JsonReader.of(body, 'TopicRouteData')
  const orderTopicConf = reader.text('orderTopicConf', undefined)
  return {
    queueDatas: reader.list('queueDatas', queueDataOf),
    brokerDatas: reader.list('brokerDatas', brokerDataOf),
    filterServerTable: reader.table('filterServerTable', textListOf),
    ...(orderTopicConf === undefined ? {} : { orderTopicConf }),
  }
}

/** Answer to GET_BROKER_CLUSTER_INFO. */
export interface ClusterInfo {
  /** By broker name. */
  readonly brokerAddrTable: ReadonlyMap<string, BrokerData>
  /** Broker names by cluster. */
  readonly clusterAddrTable: ReadonlyMap<string, readonly string[]>
}

export const encodeClusterInfo = (info: ClusterInfo): Buffer => Buffer.from(stringifyJava(info))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeClusterInfo = (body: Buffer | string): ClusterInfo => {
  const reader = JsonReader.of(body, 'ClusterInfo')
  return {
    brokerAddrTable: reader.table('brokerAddrTable', brokerDataOf),
    clusterAddrTable: reader.table('clusterAddrTable', textListOf),
  }
}
