import { join } from 'node:path'
import { startJavaBroker, startJavaNameServer } from '../../test/support/java-peers.ts'
import { startOurPair } from '../../test/support/our-peers.ts'

/** Which broker: ours, or the Java broker 4.9.7. */
export type SystemName = 'ours' | 'java'
/** The broker's flushDiskType: ASYNC_FLUSH or SYNC_FLUSH. */
export type FlushMode = 'async' | 'sync'

/** A name server and a broker that know each other and answer. */
export interface RunningSystem {
  readonly namesrvAddress: string
  readonly brokerAddress: string
  stop(): Promise<void>
}

/** How to start one. */
export interface SystemStart {
  readonly name: SystemName
  readonly flush: FlushMode
  /** An empty folder for store and configuration; the caller removes it. */
  readonly dataDir: string
  /** -Xms and -Xmx of the Java broker. */
  readonly javaHeap: string
}

/** What Java's own broker launcher sets, sizes aside. The heap is touched before the broker starts. */
const JAVA_FLAGS = [
  '-XX:+UseG1GC',
  '-XX:G1HeapRegionSize=16m',
  '-XX:G1ReservePercent=25',
  '-XX:InitiatingHeapOccupancyPercent=30',
  '-XX:SoftRefLRUPolicyMSPerMB=0',
  '-XX:+AlwaysPreTouch',
  '-XX:MaxDirectMemorySize=6g',
]

const brokerProperties = (flush: FlushMode): Record<string, string> => ({
  flushDiskType: flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
})

const startJava = async (start: SystemStart): Promise<RunningSystem> => {
  const nameServer = await startJavaNameServer({ homeDir: join(start.dataDir, 'namesrv') })
  try {
    const broker = await startJavaBroker({
      namesrvAddress: nameServer.address,
      homeDir: join(start.dataDir, 'broker'),
      storeDir: join(start.dataDir, 'store'),
      properties: brokerProperties(start.flush),
      jvmArgs: [`-Xms${start.javaHeap}`, `-Xmx${start.javaHeap}`, ...JAVA_FLAGS],
    })
    return {
      namesrvAddress: nameServer.address,
      brokerAddress: broker.address,
      async stop() {
        await broker.stop()
        await nameServer.stop()
      },
    }
  } catch (error) {
    await nameServer.kill()
    throw error
  }
}

const startOurs = (start: SystemStart): Promise<RunningSystem> =>
  startOurPair({ dataDir: start.dataDir, properties: brokerProperties(start.flush) })

/** @throws Error with the output of the process that did not become ready. */
export const startSystem = (start: SystemStart): Promise<RunningSystem> =>
  start.name === 'java' ? startJava(start) : startOurs(start)
