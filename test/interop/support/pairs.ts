import { rmSync } from 'node:fs'
import { javaAvailability, startJavaBroker, startJavaNameServer } from '../../support/java-peers.ts'
import { startOurBroker, startOurNameServer, startOurPair } from '../../support/our-peers.ts'

/** A name server and one broker that has registered with it. */
export interface ServerPair {
  readonly namesrvAddress: string
  readonly brokerAddress: string
  /** Ends both; ours by a clean stop whose success counts, Java's by the shortest way. */
  stop(): Promise<void>
}

export type BrokerProperties = Readonly<Record<string, string>>

/** By default requests that waited 0.2 s, or came while an append took over 1 s, are refused: nothing to fail for. */
export const PATIENT_BROKER: BrokerProperties = {
  waitTimeMillsInSendQueue: '20000',
  waitTimeMillsInTransactionQueue: '20000',
  waitTimeMillsInPullQueue: '20000',
  osPageCacheBusyTimeOutMills: '20000',
}

const patient = (properties: BrokerProperties = {}) => ({ properties: { ...PATIENT_BROKER, ...properties } })

/** Who plays which part. */
export interface PairKind {
  readonly name: string
  /** The same played by Java alone, for the check of the tests themselves. Default: `javaPair`. */
  readonly javaForm?: PairKind
  start(properties?: BrokerProperties): Promise<ServerPair>
}

const ends = (steps: readonly (() => Promise<void>)[]) => async () => {
  for (const step of steps) await step()
}

export const ourPair: PairKind = {
  name: 'our name server and our broker',
  async start(properties) {
    return startOurPair(patient(properties))
  },
}

export const javaPair: PairKind = {
  name: 'Java name server 4.9.7 and Java broker 4.9.7',
  async start(properties) {
    const namesrv = await startJavaNameServer()
    const broker = await startJavaBroker({ namesrvAddress: namesrv.address, ...patient(properties) })
    return {
      namesrvAddress: namesrv.address,
      brokerAddress: broker.address,
      stop: ends([() => broker.kill(), () => namesrv.kill()]),
    }
  },
}

export const ourBrokerWithJavaNameServer: PairKind = {
  name: 'Java name server 4.9.7 and our broker',
  async start(properties) {
    const namesrv = await startJavaNameServer()
    const broker = await startOurBroker({ namesrvAddress: namesrv.address, ...patient(properties) })
    return {
      namesrvAddress: namesrv.address,
      brokerAddress: broker.address,
      stop: ends([() => broker.stop(), () => namesrv.kill()]),
    }
  },
}

export const javaBrokerWithOurNameServer: PairKind = {
  name: 'our name server and Java broker 4.9.7',
  async start(properties) {
    const namesrv = await startOurNameServer()
    const broker = await startJavaBroker({ namesrvAddress: namesrv.address, ...patient(properties) })
    return {
      namesrvAddress: namesrv.address,
      brokerAddress: broker.address,
      stop: ends([() => broker.kill(), () => namesrv.stop()]),
    }
  },
}

/** Our name server and our broker as two processes, started like the Java launchers; takes brokerIP1. */
export const ourSeparateServers: PairKind = {
  name: 'our name server and our broker, one process each',
  async start(properties) {
    const namesrv = await startOurNameServer()
    const broker = await startOurBroker({ namesrvAddress: namesrv.address, ...patient(properties) })
    return {
      namesrvAddress: namesrv.address,
      brokerAddress: broker.address,
      stop: ends([() => broker.stop(), () => namesrv.stop()]),
    }
  },
}

/** With INTEROP_SELF_CHECK=1 every pair is Java's: that checks the tests themselves. */
export const isSelfCheck = process.env.INTEROP_SELF_CHECK === '1'

export const underTest = (kind: PairKind): PairKind => (isSelfCheck ? (kind.javaForm ?? javaPair) : kind)

/**
 * The `skip` option of a suite that needs Java: false, or the reason.
 * @throws Error instead of skipping when CI is set.
 */
export const skipWithoutJava = (): string | false => {
  const java = javaAvailability()
  if (java.available) return false
  if (process.env.CI) throw new Error(`the interop tests must run in CI, but: ${java.reason}`)
  const line = '*'.repeat(76)
  process.stderr.write(`${line}\nINTEROP TESTS WITH THE REAL JAVA PARTS WERE NOT RUN: ${java.reason}\n${line}\n`)
  return java.reason
}

export const removeFolder = (path: string): void => rmSync(path, { recursive: true, force: true })
