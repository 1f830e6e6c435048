import { Command } from 'commander'
import { createLogger } from '../base/logging.ts'
import { effectiveBrokerConfig, parseBrokerConfig, startBroker } from '../broker/index.ts'
import { readConfigFile, reportConfig } from './config-file.ts'
import { runServer } from './run-server.ts'
import { failStart } from './start-failure.ts'

interface BrokerFlags {
  readonly namesrvAddr?: string
  readonly configFile?: string
  readonly printConfigItem?: boolean
  readonly printImportantConfig?: boolean
}

const run = async (flags: BrokerFlags): Promise<void> => {
  const properties = await readConfigFile(flags.configFile)
  if (flags.namesrvAddr !== undefined) properties.set('namesrvAddr', flags.namesrvAddr)
  try {
    const parsed = parseBrokerConfig(properties)
    reportConfig(parsed)
    const { config } = parsed
    if (flags.printConfigItem || flags.printImportantConfig) {
      const lines = effectiveBrokerConfig(config, flags.printConfigItem ? 'all' : 'important')
      process.stdout.write(`${lines.join('\n')}\n`)
      return
    }
    const { listenPort, haPort } = config.current.net
    const portOptions = new Map(
      [listenPort, listenPort - 2, haPort].map((port) => [port, 'listenPort in the file given with -c']),
    )
    await runServer(['broker'], async () => {
      const logger = createLogger({ destination: `${config.current.store.rootDir}/logs/broker.log` })
      const surroundings = { logger, ...(flags.configFile === undefined ? {} : { configPath: flags.configFile }) }
      const broker = await startBroker(config, surroundings).catch((error: unknown) => failStart(error, portOptions))
      const { nameServers: configured, addressServerUrl } = config.current.registration
      const nameServers = configured.join(';') || addressServerUrl || 'none'
      return {
        server: broker,
        readyLine: `apogeemq broker ready: ${broker.brokerName} ${broker.address}, name server ${nameServers}, store ${broker.storeDir}`,
      }
    })
  } catch (error) {
    failStart(error, new Map())
  }
}

/** The broker with the options of Java's mqbroker. */
export const brokerCommand = (name: string): Command =>
  new Command(name)
    .description('Run a broker, as the Java launcher of the same name.')
    .option('-n, --namesrvAddr <list>', 'name servers, for example 192.168.0.1:9876;192.168.0.2:9876')
    .option('-c, --configFile <file>', 'broker properties')
    .option('-p, --printConfigItem', 'print all configuration and exit')
    .option('-m, --printImportantConfig', 'print the important configuration and exit')
    .action(run)

export const addBrokerCommand = (program: Command): Command => program.addCommand(brokerCommand('broker'))
