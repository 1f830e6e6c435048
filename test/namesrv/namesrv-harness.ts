import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseNamesrvConfig, startNameServer } from '../../lib/namesrv/index.ts'
import type { NameServer, NameServerSurroundings } from '../../lib/namesrv/name-server.ts'
import { encodeRegisterBroker } from '../../lib/protocol/bodies/register-broker.ts'
import { topicConfig } from '../../lib/protocol/bodies/topic-config.ts'
import { RawClient, type RawReply } from '../support/raw-client.ts'

/** A folder that goes when it goes out of scope. */
export const temporaryFolder = async (): Promise<AsyncDisposable & { readonly path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 'apogee-namesrv-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface RunningNameServer extends AsyncDisposable {
  readonly nameServer: NameServer
  readonly client: RawClient
  /** Folder of kvConfig.json and namesrv.properties. */
  readonly folder: string
}

/** A name server on a free port with its files in `folder`, and a client of it. */
export const runNameServer = async (
  folder: string,
  properties: Readonly<Record<string, string>> = {},
  surroundings: NameServerSurroundings = {},
): Promise<RunningNameServer> => {
  const { config } = parseNamesrvConfig(
    new Map([
      ['listenPort', '0'],
      ['kvConfigPath', join(folder, 'kvConfig.json')],
      ['configStorePath', join(folder, 'namesrv.properties')],
      ...Object.entries(properties),
    ]),
  )
  const nameServer = await startNameServer(config, { listenHost: '127.0.0.1', ...surroundings })
  const client = await RawClient.connect(nameServer.address)
  return {
    nameServer,
    client,
    folder,
    async [Symbol.asyncDispose]() {
      client.close()
      await nameServer.stop()
    },
  }
}

export interface BrokerFacts {
  readonly clusterName?: string
  readonly brokerName?: string
  readonly brokerAddr?: string
  readonly brokerId?: number
  readonly topics?: readonly string[]
  readonly counter?: number
  readonly topicSysFlag?: number
  readonly compressed?: boolean
  readonly filterServers?: readonly string[]
}

/** Ext fields that say which broker speaks. */
export const identity = (facts: BrokerFacts): Record<string, string> => ({
  clusterName: facts.clusterName ?? 'DefaultCluster',
  brokerName: facts.brokerName ?? 'broker-a',
  brokerAddr: facts.brokerAddr ?? '10.0.0.1:10911',
  brokerId: String(facts.brokerId ?? 0),
})

/** Sends REGISTER_BROKER. */
export const register = (client: RawClient, facts: BrokerFacts = {}): Promise<RawReply> => {
  const { topics = ['T'], counter = 1, topicSysFlag = 0, compressed = false, filterServers = [] } = facts
  const configs = topics.map(
    (name) => [name, topicConfig(name, { readQueueNums: 4, writeQueueNums: 4, topicSysFlag })] as const,
  )
  const topicConfigSerializeWrapper = { dataVersion: { counter, timestamp: 1_000 }, topicConfigTable: new Map(configs) }
  const body = encodeRegisterBroker({ topicConfigSerializeWrapper, filterServerList: filterServers }, { compressed })
  const haServerAddr = identity(facts).brokerAddr!.replace(/\d+$/, '10912')
  return client.request({
    code: 103,
    extFields: { ...identity(facts), haServerAddr, compressed: String(compressed), bodyCrc32: '0' },
    body,
  })
}

export const text = (reply: RawReply): string => reply.body.toString('utf8')
export const json = (reply: RawReply): unknown => JSON.parse(text(reply))

/** The topic list of an answer, sorted. */
export const topicsOf = (reply: RawReply): string[] => (json(reply) as { topicList: string[] }).topicList.sort()
