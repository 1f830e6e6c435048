import { handler, ResponseError, reply } from '../../net/handler.ts'
import { encodeKVTable } from '../../protocol/bodies/lists.ts'
import { decodeRegisterBroker, type RegisterBrokerBody } from '../../protocol/bodies/register-broker.ts'
import { decodeTopicConfigWrapper } from '../../protocol/bodies/topic-config.ts'
import { registerBroker } from '../../protocol/commands/register-broker.ts'
import { bodyCrc } from '../../protocol/crc32.ts'
import { ORDER_TOPIC_NAMESPACE } from '../../protocol/names.ts'
import type { KvConfig } from '../kv-config.ts'
import type { RouteTables } from '../route-tables.ts'

/** Before this version (3.0.11) the body was the table of topics alone. */
const FILTER_SERVERS_SINCE_VERSION = 37

interface RegisteredBody {
  readonly topics: RegisterBrokerBody['topicConfigSerializeWrapper']
  readonly filterServers: readonly string[] | undefined
}

const decodeBody = (body: Buffer, compressed: boolean, version: number): RegisteredBody => {
  const hasFilterServers = version >= FILTER_SERVERS_SINCE_VERSION
  if (body.length === 0) {
    const topics = { dataVersion: { counter: 0, timestamp: 0 }, topicConfigTable: new Map() }
    return { topics, filterServers: hasFilterServers ? [] : undefined }
  }
  if (!hasFilterServers) return { topics: decodeTopicConfigWrapper(body), filterServers: undefined }
  const { topicConfigSerializeWrapper, filterServerList } = decodeRegisterBroker(body, compressed)
  return { topics: topicConfigSerializeWrapper, filterServers: filterServerList }
}

/** Enters a broker. A slave learns its master's addresses, every broker the configuration of ordered topics. */
export const registerBrokerHandler = (routes: RouteTables, kvConfig: KvConfig) =>
  handler(registerBroker, (header, { connection, request }) => {
    const { clusterName, brokerName, brokerAddr, brokerId, haServerAddr, bodyCrc32, compressed } = header
    if (bodyCrc32 !== 0 && bodyCrc32 !== bodyCrc(request.body)) {
      throw new ResponseError('SYSTEM_ERROR', 'crc32 not match')
    }
    const { topics, filterServers } = decodeBody(request.body, compressed, request.version)
    const identity = { clusterName, brokerName, brokerAddr, brokerId }
    const master = routes.register({ ...identity, haServerAddr, topics, filterServers }, connection)
    const table = kvConfig.namespace(ORDER_TOPIC_NAMESPACE)
    return reply(master, table === undefined ? {} : { body: encodeKVTable({ table }) })
  })
