import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Machine } from '../../../lib/base/config-key.ts'
import { silentLogger } from '../../../lib/base/logging.ts'
import { type BrokerConfig, parseBrokerConfig } from '../../../lib/broker/config/broker-config.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** The same on every machine. */
export const machine: Machine = {
  hostName: 'host-1',
  localAddress: '10.0.0.1',
  cpuCount: 2,
  homeDirectory: '/home/mq',
  environment: {},
}

const endings = new WeakMap<TestContext, (() => Promise<unknown>)[]>()

/** Runs `end` when the test is over, what was set up last first: a folder goes after what stands in it. */
export const atEnd = (t: TestContext, end: () => Promise<unknown>): void => {
  const known = endings.get(t)
  if (known !== undefined) {
    known.push(end)
    return
  }
  const list = [end]
  endings.set(t, list)
  t.after(async () => {
    const failures: unknown[] = []
    // One that fails does not keep the others from ending: a socket left open would hold the process.
    for (const one of list.reverse()) await Promise.resolve(one()).catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  })
}

/** A folder that goes with the test. */
export const testFolder = async (t: TestContext): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'apogee-broker-'))
  atEnd(t, () => rm(path, { recursive: true, force: true }))
  return path
}

/** Small files, so that tests are quick, on a port the system chooses. */
export const testProperties = (storeDir: string, more: Readonly<Record<string, string>> = {}): Map<string, string> =>
  new Map(
    Object.entries({
      storePathRootDir: storeDir,
      brokerIP1: '127.0.0.1',
      brokerIP2: '127.0.0.1',
      brokerName: 'broker-a',
      listenPort: '0',
      mappedFileSizeCommitLog: '1048576',
      mappedFileSizeConsumeQueue: '20000',
      maxHashSlotNum: '1000',
      maxIndexNum: '4000',
      ...more,
    }),
  )

export const testConfig = (storeDir: string, more: Readonly<Record<string, string>> = {}): BrokerConfig =>
  parseBrokerConfig(testProperties(storeDir, more), machine).config

/** What tables are made with: a folder, a configuration and a clock that stands still. */
export const tableOptions = async (t: TestContext, more: Readonly<Record<string, string>> = {}) => {
  const folder = await testFolder(t)
  return { folder, config: testConfig(folder, more), clock: new ManualClock(), logger: silentLogger }
}
