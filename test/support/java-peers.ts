import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { classPath, openPackages, type ServerVersion } from './java-projects.ts'
import { type Peer, PeerProcess } from './peer-process.ts'
import { freeBrokerPort, freePort } from './ports.ts'
import { tlsOnlyAddresses } from './raw-client.ts'
import { brokerIsRegistered, nameServerAnswers } from './readiness.ts'

export type { ClientDriver } from './java-client.ts'
export { startClientDriver } from './java-client.ts'
export { type ClientVersion, type JavaAvailability, javaAvailability, type ServerVersion } from './java-projects.ts'

/** A name server or broker in a JVM of its own. */
export type JavaPeer = Peer

const START_TIMEOUT_MS = 120_000
const MQADMIN_TIMEOUT_MS = 120_000
const LOGBACK_NAMES = ['logback_namesrv', 'logback_broker', 'logback_tools']
const run = promisify(execFile)

/** Warnings and errors to standard error; nothing to files. Servers from 5.0 on bring their own, below user.home. */
const LOGBACK_XML = `<configuration>
  <appender name="STDERR" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%d{HH:mm:ss.SSS} %p %logger{0} %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="STDERR"/></root>
</configuration>
`

/** A folder that serves as ROCKETMQ_HOME and as the JVM's user.home. */
const prepareHome = (homeDir: string): void => {
  const conf = join(homeDir, 'conf')
  mkdirSync(conf, { recursive: true })
  for (const name of LOGBACK_NAMES) writeFileSync(join(conf, `${name}.xml`), LOGBACK_XML)
}

const properties = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')

interface Folder {
  readonly path: string
  readonly remove: () => void
}

const serverCommand = async (
  name: string,
  version: ServerVersion,
  home: Folder,
  jvmArgs: readonly string[],
  mainAndArgs: readonly string[],
) => ({
  name,
  file: 'java',
  args: [
    ...openPackages(),
    `-Duser.home=${home.path}`,
    ...jvmArgs,
    '-cp',
    await classPath('servers', version),
    ...mainAndArgs,
  ],
  env: { ROCKETMQ_HOME: home.path, NAMESRV_ADDR: undefined },
  cwd: home.path,
  onEnd: home.remove,
})

/** A given folder stays; one made here goes with the server. */
const folderOr = (given: string | undefined, prefix: string): Folder => {
  if (given !== undefined) {
    mkdirSync(given, { recursive: true })
    return { path: given, remove: () => undefined }
  }
  const path = mkdtempSync(join(tmpdir(), prefix))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Whether a server takes nothing but TLS: true with a self-signed certificate, or with these TLS properties. */
export type TlsOnly = boolean | Readonly<Record<string, string>>

/** Options of a JVM whose server at `address` takes nothing but TLS. */
const tlsArgs = (address: string, tlsOnly: TlsOnly = false): string[] => {
  if (tlsOnly === false) return []
  tlsOnlyAddresses.add(address)
  const more = tlsOnly === true ? { 'tls.test.mode.enable': 'true' } : tlsOnly
  return Object.entries({ 'tls.server.mode': 'enforcing', ...more }).map(([name, value]) => `-D${name}=${value}`)
}

/** A Java name server on 127.0.0.1, ready to answer. */
export const startJavaNameServer = async (
  options: { version?: ServerVersion; port?: number; homeDir?: string; tlsOnly?: TlsOnly } = {},
): Promise<JavaPeer> => {
  const { version = '4.9.7', port = await freePort() } = options
  const home = folderOr(options.homeDir, 'apogee-java-namesrv-')
  prepareHome(home.path)
  const file = join(home.path, 'namesrv.properties')
  writeFileSync(file, properties({ listenPort: port }))
  const main = ['org.apache.rocketmq.namesrv.NamesrvStartup', '-c', file]
  const jvmArgs = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', ...tlsArgs(`127.0.0.1:${port}`, options.tlsOnly)]
  const child = new PeerProcess(await serverCommand(`Java name server ${version}`, version, home, jvmArgs, main))
  const address = `127.0.0.1:${port}`
  await child.ready((signal) => nameServerAnswers(address, { timeoutMs: START_TIMEOUT_MS, signal }))
  return child.asPeer(address)
}

/** What a Java broker is started with. */
export interface JavaBrokerOptions {
  readonly version?: ServerVersion
  /** One or more host:port, separated by semicolons. */
  readonly namesrvAddress: string
  readonly port?: number
  readonly homeDir?: string
  /** Root of the store; kept when given. Default: a folder removed with the broker. */
  readonly storeDir?: string
  /** Default broker-a. */
  readonly brokerName?: string
  /** Added to the broker's properties file, or replacing what is there. */
  readonly properties?: Readonly<Record<string, string>>
  /** After the defaults, so that heap sizes can be replaced. */
  readonly jvmArgs?: readonly string[]
  /** Takes nothing but TLS, and dials the name server with it. */
  readonly tlsOnly?: TlsOnly
}

const brokerProperties = (options: JavaBrokerOptions, port: number, storeDir: string) => ({
  brokerClusterName: 'DefaultCluster',
  brokerName: options.brokerName ?? 'broker-a',
  brokerId: 0,
  brokerIP1: '127.0.0.1',
  listenPort: port,
  namesrvAddr: options.namesrvAddress,
  storePathRootDir: storeDir,
  storePathCommitLog: join(storeDir, 'commitlog'),
  diskMaxUsedSpaceRatio: 95,
  ...options.properties,
})

/** A Java broker that has registered itself with every name server given. */
export const startJavaBroker = async (
  options: JavaBrokerOptions,
): Promise<JavaPeer & { readonly storeDir: string }> => {
  const { version = '4.9.7', port = await freeBrokerPort() } = options
  const home = folderOr(options.homeDir, 'apogee-java-broker-')
  const storeDir = options.storeDir ?? join(home.path, 'store')
  prepareHome(home.path)
  mkdirSync(storeDir, { recursive: true })
  const values = brokerProperties(options, port, storeDir)
  const file = join(home.path, 'broker.properties')
  writeFileSync(file, properties(values))
  const jvmArgs = ['-Xms256m', '-Xmx1g', '-XX:MaxDirectMemorySize=512m']
  const more = [...tlsArgs(`${values.brokerIP1}:${port}`, options.tlsOnly), ...(options.jvmArgs ?? [])]
  const kept = ['-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99', ...jvmArgs, ...more]
  const main = ['org.apache.rocketmq.broker.BrokerStartup', '-c', file]
  const child = new PeerProcess(await serverCommand(`Java broker ${version}`, version, home, kept, main))
  const address = `${values.brokerIP1}:${port}`
  await child.ready((signal) =>
    Promise.all([
      child.line(/boot success/, START_TIMEOUT_MS),
      brokerIsRegistered(options.namesrvAddress, address, { timeoutMs: START_TIMEOUT_MS, signal }),
    ]),
  )
  return { ...child.asPeer(address), storeDir }
}

/**
 * Runs one mqadmin command of version 4.9.7 and gives its standard output.
 * mqadmin itself prints failures to standard error and exits with 0.
 */
export const runMqadmin = async (args: readonly string[], options: { namesrvAddress: string }): Promise<string> => {
  const home = folderOr(undefined, 'apogee-mqadmin-')
  try {
    prepareHome(home.path)
    const main = ['org.apache.rocketmq.tools.command.MQAdminStartup', ...args, '-n', options.namesrvAddress]
    const jvmArgs = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
    const command = await serverCommand('mqadmin', '4.9.7', home, jvmArgs, main)
    const { stdout } = await run(command.file, command.args, {
      env: { ...process.env, ...command.env },
      timeout: MQADMIN_TIMEOUT_MS,
      maxBuffer: 16 << 20,
    })
    return stdout
  } finally {
    home.remove()
  }
}
