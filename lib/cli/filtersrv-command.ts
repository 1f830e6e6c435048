import { Command, InvalidArgumentError } from 'commander'
import { createLogger } from '../base/logging.ts'
import { thisMachine } from '../base/this-machine.ts'
import { runServer } from './run-server.ts'
import { failStart } from './start-failure.ts'

interface FiltersrvFlags {
  readonly broker: string
  readonly host?: string
  readonly port: number
}

const portOf = (text: string): number => {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('not a port')
  return port
}

const run = async ({ broker, host, port }: FiltersrvFlags): Promise<void> => {
  try {
    // Only who filters by class needs the interpreter.
    const { startFilterServer } = await import('../filtersrv/index.ts')
    await runServer([], async () => {
      const options = { brokerAddress: broker, host: host ?? thisMachine().localAddress, port }
      const server = await startFilterServer({ ...options, logger: createLogger({ level: 'warn' }) })
      return { server, readyLine: `apogeemq filter server ready: ${server.address}, broker ${broker}` }
    })
  } catch (error) {
    failStart(error, new Map([[port, '--port']]))
  }
}

/** A filter server, for consumers that filter by class. */
export const addFiltersrvCommand = (program: Command): Command =>
  program.addCommand(
    new Command('filtersrv')
      .description('Run a filter server: filters of consumers, in JavaScript, between them and one broker.')
      .option('--broker <host:port>', 'the broker, with filterServerNums above 0 in its properties', '127.0.0.1:10911')
      .option('--host <host>', 'host that consumers are told (default: an address of this machine)')
      .option('--port <port>', 'port to listen on, 0 for any', portOf, 0)
      .action(run),
  )
