import type { TestContext } from 'node:test'
import { systemClock } from '../../../lib/base/clock.ts'
import { silentLogger } from '../../../lib/base/logging.ts'
import { type Handler, handler, reply } from '../../../lib/net/handler.ts'
import { RemotingServer } from '../../../lib/net/server.ts'
import {
  type DataVersion,
  decodeDataVersion,
  encodeDataVersion,
  sameDataVersion,
} from '../../../lib/protocol/bodies/data-version.ts'
import { encodeKVTable } from '../../../lib/protocol/bodies/lists.ts'
import { decodeRegisterBroker } from '../../../lib/protocol/bodies/register-broker.ts'
import type { TopicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { decodeTopicRoute, type QueueData } from '../../../lib/protocol/bodies/topic-route.ts'
import { queryDataVersion } from '../../../lib/protocol/commands/query-data-version.ts'
import { registerBroker } from '../../../lib/protocol/commands/register-broker.ts'
import { registerTopicInNamesrv } from '../../../lib/protocol/commands/register-topic-in-namesrv.ts'
import { unregisterBroker } from '../../../lib/protocol/commands/unregister-broker.ts'
import { atEnd } from './fixtures.ts'

/** A name server that only remembers what brokers told it. */
export interface RecordingNameServer {
  readonly address: string
  /** Topics of each registration, in order. */
  readonly registrations: {
    readonly brokerAddr: string
    readonly topics: readonly TopicConfig[]
    readonly filterServers: readonly string[]
  }[]
  readonly versionQueries: DataVersion[]
  /** Topics told one by one (217), with their queues. */
  readonly singleTopics: { readonly topic: string; readonly queues: readonly QueueData[] }[]
  readonly unregistered: string[]
  /** Answered as ORDER_TOPIC_CONFIG. */
  readonly ordered: Map<string, string>
  /** While true, registrations get no answer. */
  isDeaf: boolean
  stop(): Promise<void>
}

export const startRecordingNameServer = async (t: TestContext): Promise<RecordingNameServer> => {
  const server = new RemotingServer({
    clock: systemClock,
    logger: silentLogger,
    unknownCode: 'silent',
    drainTimeoutMs: 10,
  })
  atEnd(t, () => server.stop())
  let version: DataVersion | undefined
  const nameServer: Omit<RecordingNameServer, 'address'> = {
    registrations: [],
    versionQueries: [],
    singleTopics: [],
    unregistered: [],
    ordered: new Map(),
    isDeaf: false,
    stop: () => server.stop(),
  }
  const handlers: Handler[] = [
    handler(registerBroker, ({ brokerAddr, compressed }, { request }) => {
      if (nameServer.isDeaf) return undefined
      const { topicConfigSerializeWrapper, filterServerList } = decodeRegisterBroker(request.body, compressed)
      version = topicConfigSerializeWrapper.dataVersion
      const topics = [...topicConfigSerializeWrapper.topicConfigTable.values()]
      nameServer.registrations.push({ brokerAddr, topics, filterServers: filterServerList })
      return reply({ masterAddr: brokerAddr }, { body: encodeKVTable({ table: nameServer.ordered }) })
    }),
    handler(queryDataVersion, (_, { request }) => {
      const asked = decodeDataVersion(request.body)
      nameServer.versionQueries.push(asked)
      if (version === undefined) return { changed: true }
      return reply({ changed: !sameDataVersion(version, asked) }, { body: encodeDataVersion(version) })
    }),
    handler(registerTopicInNamesrv, ({ topic }, { request }) => {
      nameServer.singleTopics.push({ topic, queues: decodeTopicRoute(request.body).queueDatas })
      return {}
    }),
    handler(unregisterBroker, ({ brokerAddr }) => {
      nameServer.unregistered.push(brokerAddr)
      return {}
    }),
  ]
  const { address, port } = await server.listen({ host: '127.0.0.1', port: 0, handlers })
  return Object.assign(nameServer, { address: `${address}:${port}` })
}
