import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ClientDriver } from '../../../support/java-client.ts'
import { startJavaBroker, startJavaNameServer } from '../../../support/java-peers.ts'
import type { ClientVersion } from '../../../support/java-projects.ts'
import { startOurBroker, startOurNameServer } from '../../../support/our-peers.ts'
import type { Peer } from '../../../support/peer-process.ts'
import { freeBrokerPort } from '../../../support/ports.ts'
import type { StartBroker } from '../brokers.ts'
import {
  type BrokerProperties,
  isSelfCheck,
  PATIENT_BROKER,
  removeFolder,
  type ServerPair,
  skipWithoutJava,
} from '../pairs.ts'
import { type BrokerSort, type Feature, missing } from './features.ts'
import { Meeting } from './meeting.ts'
import { SemanticsStage, startDriver } from './stage.ts'

/** One behaviour of a broker, as a Java client sees it. */
export interface SemanticsScenario {
  readonly name: string
  readonly needs: readonly Feature[]
  /** Default: all of the suite. */
  readonly versions?: readonly ClientVersion[]
  /** Default: Java 4.9.7 and ours. */
  readonly brokers?: readonly BrokerSort[]
  run(stage: SemanticsStage): Promise<void>
}

interface Suite {
  readonly versions: readonly ClientVersion[]
  readonly scenarios: readonly SemanticsScenario[]
  readonly properties: BrokerProperties
  /** Whether scenarios use the admin API; default false. */
  readonly admin?: boolean
  /** Whether every scenario calls brokerRestarts once; default false. */
  readonly restarts?: boolean
}

const SORTS: Readonly<Record<BrokerSort, { name: string; namesrv: () => Promise<Peer>; broker: StartBroker }>> = {
  java: { name: 'the Java broker 4.9.7', namesrv: () => startJavaNameServer(), broker: startJavaBroker },
  java5: {
    name: 'the Java broker 5.3.3',
    namesrv: () => startJavaNameServer({ version: '5.3.3' }),
    broker: (options) => startJavaBroker({ ...options, version: '5.3.3' }),
  },
  ours: { name: 'our broker', namesrv: () => startOurNameServer(), broker: startOurBroker },
}

const EVERYWHERE: readonly BrokerSort[] = ['java', 'ours']

/** A name server and a broker that can be started again on the same port and files. */
class Servers implements ServerPair {
  readonly namesrvAddress: string
  readonly #namesrv: Peer
  readonly #open: () => Promise<Peer>
  readonly #remove: () => void
  #broker: Peer

  private constructor(namesrv: Peer, broker: Peer, open: () => Promise<Peer>, remove: () => void) {
    this.namesrvAddress = namesrv.address
    this.#namesrv = namesrv
    this.#broker = broker
    this.#open = open
    this.#remove = remove
  }

  static async start(sort: BrokerSort, properties: BrokerProperties): Promise<Servers> {
    const namesrv = await SORTS[sort].namesrv()
    const folder = mkdtempSync(join(tmpdir(), `apogee-semantics-${sort}-`))
    const port = await freeBrokerPort()
    const options = { namesrvAddress: namesrv.address, port, storeDir: join(folder, 'store') }
    const open = () => SORTS[sort].broker({ ...options, properties: { ...PATIENT_BROKER, ...properties } })
    return new Servers(namesrv, await open(), open, () => removeFolder(folder))
  }

  get brokerAddress(): string {
    return this.#broker.address
  }

  async restart(): Promise<void> {
    await this.#broker.stop()
    this.#broker = await this.#open()
  }

  async stop(): Promise<void> {
    await Promise.all([this.#broker.kill(), this.#namesrv.kill()])
    this.#remove()
  }
}

/** The Java clients of a suite; they serve all its brokers. */
const startDrivers = async (versions: readonly ClientVersion[]): Promise<ReadonlyMap<ClientVersion, ClientDriver>> => {
  const drivers = await Promise.all(versions.map(startDriver))
  return new Map(drivers.map((driver) => [driver.version, driver]))
}

/** Scenarios of one broker at a time. */
const AT_ONCE = 16

/**
 * The scenarios at the Java broker 4.9.7, which proves the scenarios, and at ours; many at the same time, for most of
 * what they do is wait. In a self-check at Java brokers only: 5.3.3 proves what 4.9.7 has not.
 */
export const describeSemantics = (title: string, suite: Suite): void => {
  const { versions, scenarios, properties, admin = false, restarts = false } = suite
  describe(title, { skip: skipWithoutJava(), concurrency: 2 }, () => {
    let drivers: ReadonlyMap<ClientVersion, ClientDriver>
    before(async () => {
      drivers = await startDrivers(admin ? [...versions, '4.9.7'] : versions)
    })
    after(() => Promise.all([...(drivers?.values() ?? [])].map((driver) => driver.kill())))
    for (const broker of isSelfCheck ? (['java', 'java5'] as const) : (['java', 'ours'] as const)) {
      const runs = scenarios
        .filter((scenario) => (scenario.brokers ?? EVERYWHERE).includes(broker))
        .flatMap((scenario) => (scenario.versions ?? versions).map((version) => ({ scenario, version })))
      if (runs.length === 0) continue
      const possible = runs.filter(({ scenario }) => missing(broker, scenario.needs) === undefined)
      const concurrency = restarts ? runs.length : AT_ONCE
      describe(`at ${SORTS[broker].name}`, { concurrency }, () => {
        let servers: Servers
        const stages = new Map<ClientVersion, SemanticsStage>()
        const meeting = new Meeting(possible.length, () => servers.restart())
        before(async () => {
          if (possible.length === 0) return
          servers = await Servers.start(broker, properties)
          const adminDriver = drivers.get('4.9.7')
          const { namesrvAddress } = servers
          const name = `admin-${broker}`
          await adminDriver?.call('createAdmin', { name, instance: name, namesrvAddress })
          for (const version of versions) {
            const restart = restarts ? () => meeting.arrive() : undefined
            const more = { broker, ...(adminDriver && { admin: adminDriver }), ...(restart && { restart }) }
            stages.set(version, new SemanticsStage(servers, drivers.get(version)!, more))
          }
        })
        after(() => servers?.stop())
        for (const { scenario, version } of runs) {
          const skip = missing(broker, scenario.needs) ?? false
          test(`${scenario.name} (client ${version})`, { skip }, () =>
            scenario.run(stages.get(version)!).finally(() => meeting.leave()),
          )
        }
      })
    }
  })
}
