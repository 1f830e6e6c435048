import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import { Parts } from '../base/lifecycle.ts'
import { createLogger } from '../base/logging.ts'
import { type BrokerConfig, parseBrokerConfig, startBroker } from '../broker/index.ts'
import { type NamesrvConfig, parseNamesrvConfig, startNameServer } from '../namesrv/index.ts'
import { isTlsKey } from '../net/tls/tls-keys.ts'
import { readConfigFile, reportConfig } from './config-file.ts'
import { runServer } from './run-server.ts'
import { failStart, type PortOptions } from './start-failure.ts'

interface StartFlags {
  readonly data: string
  readonly host: string
  readonly namesrvPort: number
  readonly brokerPort?: number
  readonly config?: string
}

const portNumber = (text: string): number => {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('a port is 1 to 65535')
  return port
}

/** Addresses that stand for all of the machine's: good to listen on, useless to tell clients. */
const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** What the flags say to the broker; the file given with --config may say the rest. */
const brokerProperties = async (flags: StartFlags, nameServer: string): Promise<Map<string, string>> => {
  const properties = await readConfigFile(flags.config)
  properties.set('storePathRootDir', join(flags.data, 'store'))
  properties.delete('storePathCommitLog')
  properties.set('namesrvAddr', nameServer)
  if (flags.brokerPort !== undefined) properties.set('listenPort', String(flags.brokerPort))
  if (!isWildcard(flags.host)) {
    for (const key of ['brokerIP1', 'brokerIP2']) if (!properties.has(key)) properties.set(key, flags.host)
  }
  return properties
}

/** The broker's TLS keys hold for the name server as well. */
const nameServerConfig = (flags: StartFlags, properties: ReadonlyMap<string, string>): NamesrvConfig =>
  parseNamesrvConfig(
    new Map([
      ...[...properties].filter(([name]) => isTlsKey(name)),
      ['listenPort', String(flags.namesrvPort)],
      ['kvConfigPath', join(flags.data, 'namesrv', 'kvConfig.json')],
      ['configStorePath', join(flags.data, 'namesrv', 'namesrv.properties')],
    ]),
  ).config

const portOptionsOf = (flags: StartFlags, brokerPort: number): PortOptions =>
  new Map([
    [brokerPort, '--broker-port'],
    [brokerPort - 2, '--broker-port (the port two below it is used as well)'],
    [brokerPort + 1, '--broker-port (the port above it, for slaves, is used as well)'],
    [flags.namesrvPort, '--namesrv-port'],
  ])

const startParts = async (
  flags: StartFlags,
  parts: Parts,
  namesrvConfig: NamesrvConfig,
  config: BrokerConfig,
): Promise<string> => {
  const logger = createLogger({ destination: join(flags.data, 'logs', 'apogeemq.log') })
  const surroundings = { clock: systemClock, logger, listenHost: flags.host }
  const configPath = flags.config === undefined ? {} : { configPath: flags.config }
  const nameServer = await parts.start('name server', () => startNameServer(namesrvConfig, surroundings))
  const broker = await parts.start('broker', () => startBroker(config, { ...surroundings, ...configPath }))
  return `apogeemq ready: name server ${nameServer.address}, broker ${broker.address}, data ${flags.data}`
}

const startBoth = async (flags: StartFlags) => {
  const parts = new Parts()
  let portOptions: PortOptions = new Map()
  try {
    const namesrvHost = isWildcard(flags.host) ? '127.0.0.1' : flags.host
    const namesrvAddress = `${namesrvHost.includes(':') ? `[${namesrvHost}]` : namesrvHost}:${flags.namesrvPort}`
    const properties = await brokerProperties(flags, namesrvAddress)
    const parsed = parseBrokerConfig(properties)
    reportConfig(parsed)
    portOptions = portOptionsOf(flags, parsed.config.current.net.listenPort)
    const readyLine = await startParts(flags, parts, nameServerConfig(flags, properties), parsed.config)
    return { server: parts, readyLine }
  } catch (error) {
    await parts.stop().catch((failure: unknown) => process.stderr.write(`apogeemq: ${errorText(failure)}\n`))
    return failStart(error, portOptions)
  }
}

/** `apogeemq start`: name server and broker in one process, for development and small installations. */
export const addStartCommand = (program: Command): Command =>
  program
    .command('start')
    .description('Run a name server and a broker in one process.')
    .option('--data <dir>', 'data directory; the store is in DIR/store', './data')
    .option('--host <address>', 'address to listen on, advertised unless brokerIP1 says otherwise', '127.0.0.1')
    .option('--namesrv-port <port>', 'port of the name server', portNumber, 9876)
    .option('--broker-port <port>', 'port of the broker (default: 10911, or listenPort of the file)', portNumber)
    .option('--config <file>', 'broker properties, as the Java broker reads them')
    .action((flags: StartFlags) => runServer(['broker', 'namesrv'], () => startBoth(flags)))
