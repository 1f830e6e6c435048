import { Command } from 'commander'
import { createLogger } from '../base/logging.ts'
import { effectiveNamesrvConfig, parseNamesrvConfig, startNameServer } from '../namesrv/index.ts'
import { readConfigFile, reportConfig } from './config-file.ts'
import { runServer } from './run-server.ts'
import { failStart } from './start-failure.ts'

interface NamesrvFlags {
  readonly configFile?: string
  readonly printConfigItem?: boolean
}

const run = async (flags: NamesrvFlags): Promise<void> => {
  const properties = await readConfigFile(flags.configFile)
  try {
    const parsed = parseNamesrvConfig(properties, flags.configFile)
    reportConfig(parsed)
    if (flags.printConfigItem) {
      process.stdout.write(`${effectiveNamesrvConfig(parsed.config).join('\n')}\n`)
      return
    }
    const portOptions = new Map([[parsed.config.listenPort, 'listenPort in the file given with -c']])
    await runServer(['namesrv'], async () => {
      const server = await startNameServer(parsed.config, { logger: createLogger({ level: 'warn' }) }).catch(
        (error: unknown) => failStart(error, portOptions),
      )
      return { server, readyLine: `apogeemq name server ready: ${server.address}` }
    })
  } catch (error) {
    failStart(error, new Map())
  }
}

/** The name server with the options of Java's mqnamesrv. */
export const namesrvCommand = (name: string): Command =>
  new Command(name)
    .description('Run a name server, as the Java launcher of the same name.')
    .option('-c, --configFile <file>', 'name server properties')
    .option('-p, --printConfigItem', 'print all configuration and exit')
    .option('-n, --namesrvAddr <list>', 'accepted and not used, as in the Java launcher')
    .action(run)

export const addNamesrvCommand = (program: Command): Command => program.addCommand(namesrvCommand('namesrv'))
