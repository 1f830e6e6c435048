import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Peer, PeerProcess } from './peer-process.ts'
import { freeBrokerPort, freePort } from './ports.ts'
import { brokerIsRegistered, nameServerAnswers } from './readiness.ts'

/** Our name server and broker in one process. */
export interface OurPair {
  readonly namesrvAddress: string
  readonly brokerAddress: string
  /** The `--data` folder. */
  readonly dataDir: string
  /** Root of the store, inside dataDir, in Java's layout. */
  readonly storeDir: string
  readonly pid: number
  stop(): Promise<void>
  kill(): Promise<void>
}

const CLI = fileURLToPath(new URL('../../dist/cli/apogeemq.js', import.meta.url))
const START_TIMEOUT_MS = 120_000
const READY = /ready/i

const ourProcess = (name: string, args: readonly string[], onEnd: () => void): PeerProcess => {
  if (!existsSync(CLI)) throw new Error('dist/cli/apogeemq.js is missing; run "npm run build" first')
  return new PeerProcess({
    name,
    file: process.execPath,
    args: [CLI, ...args],
    env: { NAMESRV_ADDR: undefined },
    onEnd,
  })
}

const propertiesFile = (folder: string, name: string, values: Readonly<Record<string, string | number>>): string => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, name)
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, lines.join(''))
  return file
}

/** A folder of the caller stays; one made here goes with the server. */
const folderOr = (given: string | undefined): { path: string; remove: () => void } => {
  if (given !== undefined) return { path: given, remove: () => undefined }
  const path = mkdtempSync(join(tmpdir(), 'apogee-ours-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** `apogeemq start`. A data folder that is given stays when the servers stop. */
export const startOurPair = async (
  options: {
    readonly dataDir?: string
    readonly namesrvPort?: number
    readonly brokerPort?: number
    /** Given as --host. */
    readonly host?: string
    /** Default broker-a. */
    readonly brokerName?: string
    /** Broker properties, given as --config. */
    readonly properties?: Readonly<Record<string, string>>
  } = {},
): Promise<OurPair> => {
  const { namesrvPort = await freePort(), brokerPort = await freeBrokerPort(), host = '127.0.0.1' } = options
  const data = folderOr(options.dataDir)
  const config = propertiesFile(data.path, 'broker.properties', {
    brokerName: options.brokerName ?? 'broker-a',
    diskMaxUsedSpaceRatio: 95,
    ...options.properties,
  })
  const ports = ['--namesrv-port', String(namesrvPort), '--broker-port', String(brokerPort)]
  const args = ['start', '--data', data.path, ...ports, '--host', host, '--config', config]
  const child = ourProcess('apogeemq start', args, data.remove)
  await child.ready(() => child.line(READY, START_TIMEOUT_MS))
  return {
    namesrvAddress: `${host}:${namesrvPort}`,
    brokerAddress: `${host}:${brokerPort}`,
    dataDir: data.path,
    storeDir: join(data.path, 'store'),
    pid: child.pid,
    stop: () => child.stop(),
    kill: () => child.kill(),
  }
}

/** `apogeemq namesrv -c FILE`. */
export const startOurNameServer = async (
  options: {
    readonly port?: number
    readonly homeDir?: string
    readonly properties?: Readonly<Record<string, string>>
  } = {},
): Promise<Peer> => {
  const { port = await freePort() } = options
  const home = folderOr(options.homeDir)
  const file = propertiesFile(home.path, 'namesrv.properties', {
    listenPort: port,
    kvConfigPath: join(home.path, 'kvConfig.json'),
    configStorePath: join(home.path, 'namesrv.properties'),
    ...options.properties,
  })
  const child = ourProcess('apogeemq namesrv', ['namesrv', '-c', file], home.remove)
  const address = `127.0.0.1:${port}`
  await child.ready((signal) =>
    Promise.all([
      child.line(READY, START_TIMEOUT_MS),
      nameServerAnswers(address, { timeoutMs: START_TIMEOUT_MS, signal }),
    ]),
  )
  return child.asPeer(address)
}

/** `apogeemq filtersrv --broker ADDRESS`, registered with that broker. */
export const startOurFilterServer = async (brokerAddress: string): Promise<Peer> => {
  const args = ['filtersrv', '--broker', brokerAddress, '--host', '127.0.0.1']
  const child = ourProcess('apogeemq filtersrv', args, () => undefined)
  const line = await child.ready(() => child.line(READY, START_TIMEOUT_MS))
  return child.asPeer(String(line))
}

/** `apogeemq broker -n ADDRESS -c FILE`, registered with every name server given. */
export const startOurBroker = async (options: {
  /** One or more host:port, separated by semicolons. */
  readonly namesrvAddress: string
  readonly port?: number
  /** Root of the store; kept when given. */
  readonly storeDir?: string
  /** Default broker-a. */
  readonly brokerName?: string
  readonly properties?: Readonly<Record<string, string>>
}): Promise<Peer & { readonly storeDir: string }> => {
  const { namesrvAddress, port = await freeBrokerPort() } = options
  const home = folderOr(undefined)
  const storeDir = options.storeDir ?? join(home.path, 'store')
  const values = {
    brokerName: options.brokerName ?? 'broker-a',
    brokerIP1: '127.0.0.1',
    listenPort: port,
    storePathRootDir: storeDir,
    storePathCommitLog: join(storeDir, 'commitlog'),
    diskMaxUsedSpaceRatio: 95,
    ...options.properties,
  }
  const file = propertiesFile(home.path, 'broker.properties', values)
  const child = ourProcess('apogeemq broker', ['broker', '-n', namesrvAddress, '-c', file], home.remove)
  const address = `${values.brokerIP1}:${port}`
  await child.ready((signal) =>
    Promise.all([
      child.line(READY, START_TIMEOUT_MS),
      brokerIsRegistered(namesrvAddress, address, { timeoutMs: START_TIMEOUT_MS, signal }),
    ]),
  )
  return { ...child.asPeer(address), storeDir }
}
