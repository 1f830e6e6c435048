import { equal } from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseJavaJson } from '../../../support/java-json.ts'
import { type JavaBrokerOptions, type ServerVersion, startJavaBroker } from '../../../support/java-peers.ts'
import { startOurBroker } from '../../../support/our-peers.ts'
import type { Peer } from '../../../support/peer-process.ts'
import { freeBrokerPort } from '../../../support/ports.ts'
import { withRawClient } from '../../../support/raw-client.ts'
import { type BrokerProperties, removeFolder, type ServerPair } from '../pairs.ts'
import { eventually } from '../semantics/stage.ts'
import { firstDifference, readLogBytes } from './log-bytes.ts'

/** Who plays the master; `java` is 4.9.7. */
export type MasterSort = 'java' | 'ours'

/** A broker and where its files are. */
export type Replica = Peer & { readonly storeDir: string }

const GET_BROKER_RUNTIME_INFO = 28
const GET_BROKER_CLUSTER_INFO = 106
const CLUSTER = 'DefaultCluster'

/** JVMs that are many and have little to do. */
const SMALL_JVM = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

const SHARED: BrokerProperties = {
  brokerIP2: '127.0.0.1',
  // The topic that makes topics would lead every client to every broker, to those that stand still as well.
  autoCreateTopicEnable: 'false',
  // Scenarios come all at once, which is nothing to be refused for on a slow machine.
  waitTimeMillsInSendQueue: '20000',
  // A slave's first report comes after this, 5 s by default.
  haSendHeartbeatInterval: '500',
  mappedFileSizeConsumeQueue: '6000',
}

const startSmallJavaBroker = (options: JavaBrokerOptions) => startJavaBroker({ ...options, jvmArgs: SMALL_JVM })

const START_MASTER = { java: startSmallJavaBroker, ours: startOurBroker }

/** What a replica says of its commit log; physical offsets. */
export interface LogBounds {
  readonly from: number
  readonly to: number
}

const runtimeInfo = async (address: string): Promise<Readonly<Record<string, string>>> => {
  const { body } = await withRawClient(address, (client) => client.call({ code: GET_BROKER_RUNTIME_INFO }))
  return (parseJavaJson(body) as { table: Record<string, string> }).table
}

export const logBounds = async (replica: Peer): Promise<LogBounds> => {
  const { commitLogMinOffset, commitLogMaxOffset } = await runtimeInfo(replica.address)
  return { from: Number(commitLogMinOffset), to: Number(commitLogMaxOffset) }
}

/** How many messages the replica has given to consumers. */
export const messagesGiven = async (replica: Peer): Promise<number> =>
  Number((await runtimeInfo(replica.address)).msgGetTotalTodayNow)

/**
 * Waits until a slave's log ends where its master's does, and fails unless all the slave has are the master's bytes.
 * Nobody may be writing.
 */
export const caughtUp = async (master: Replica, slave: Replica): Promise<LogBounds> => {
  const bounds = await eventually('a slave that has all of the log', async () => {
    const [ofMaster, ofSlave] = await Promise.all([logBounds(master), logBounds(slave)])
    if (ofMaster.to !== ofSlave.to) throw new Error(`the master has ${ofMaster.to}, the slave ${ofSlave.to}`)
    return ofSlave
  })
  assertPrefix(master, slave, bounds)
  return bounds
}

/** Fails unless the slave's bytes are the master's. */
export const assertPrefix = (master: Replica, slave: Replica, { from, to }: LogBounds): void => {
  const [ofMaster, ofSlave] = [master, slave].map(({ storeDir }) => readLogBytes(storeDir, from, to))
  equal(firstDifference(ofMaster!, ofSlave!, from), undefined, 'the first byte that differs')
}

/** A master and its slaves, all of one broker name, at a name server that others may share. */
export class Replicas implements ServerPair {
  readonly namesrvAddress: string
  readonly brokerName: string
  readonly master: Replica
  readonly #folder: string
  readonly #properties: BrokerProperties
  readonly #slaves = new Map<number, Replica>()

  private constructor(
    master: Replica,
    more: { namesrvAddress: string; brokerName: string; folder: string; properties: BrokerProperties },
  ) {
    this.master = master
    this.namesrvAddress = more.namesrvAddress
    this.brokerName = more.brokerName
    this.#folder = more.folder
    this.#properties = more.properties
  }

  /** @param properties of all replicas; `masterProperties` come on top */
  static async start(
    sort: MasterSort,
    names: { readonly namesrvAddress: string; readonly brokerName: string },
    properties: BrokerProperties,
    masterProperties: BrokerProperties,
  ): Promise<Replicas> {
    const folder = mkdtempSync(join(tmpdir(), `apogee-replicas-${sort}-`))
    const shared = { ...SHARED, ...properties }
    try {
      const storeDir = join(folder, 'store-0')
      const master = await START_MASTER[sort]({ ...names, storeDir, properties: { ...shared, ...masterProperties } })
      return new Replicas(master, { ...names, folder, properties: shared })
    } catch (error) {
      removeFolder(folder)
      throw error
    }
  }

  get brokerAddress(): string {
    return this.master.address
  }

  /** Starts a Java slave; with the id of one that was killed, on its files and its port. */
  async startSlave(brokerId = 1, version: ServerVersion = '4.9.7'): Promise<Replica> {
    const { namesrvAddress, brokerName } = this
    const port = Number(this.#slaves.get(brokerId)?.address.split(':')[1] ?? (await freeBrokerPort()))
    const properties = { ...this.#properties, brokerRole: 'SLAVE', brokerId: String(brokerId), slaveReadEnable: 'true' }
    const storeDir = join(this.#folder, `store-${brokerId}`)
    const slave = await startSmallJavaBroker({ version, namesrvAddress, brokerName, port, storeDir, properties })
    this.#slaves.set(brokerId, slave)
    return slave
  }

  /** The replicas' addresses by broker id, as the name server lists them. */
  async listed(): Promise<Readonly<Record<string, string>>> {
    const { body } = await withRawClient(this.namesrvAddress, (client) =>
      client.call({ code: GET_BROKER_CLUSTER_INFO }),
    )
    const list = parseJavaJson(body) as {
      brokerAddrTable: Record<string, { cluster: string; brokerName: string; brokerAddrs: Record<string, string> }>
    }
    const { cluster, brokerName, brokerAddrs } = list.brokerAddrTable[this.brokerName]!
    equal(brokerName, this.brokerName)
    equal(cluster, CLUSTER)
    return brokerAddrs
  }

  async stop(): Promise<void> {
    await Promise.all([this.master, ...this.#slaves.values()].map((replica) => replica.kill()))
    removeFolder(this.#folder)
  }
}
