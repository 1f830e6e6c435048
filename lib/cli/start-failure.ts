import { ApogeeError, errorText } from '../base/errors.ts'
import { exitWith } from './run-server.ts'

/** Options that decide a port, by the port they were given. */
export type PortOptions = ReadonlyMap<number, string>

/** Node's form of a call that the operating system refused: a directory, a name to look up. */
const isSystemError = (error: unknown): error is Error => error instanceof Error && 'syscall' in error

/**
 * Ends the process with one line that says what failed and, where a port is taken, which option chooses another.
 * An error that is neither ours nor the system's is shown with its stack: it is a fault of the program.
 */
export const failStart = (error: unknown, portOptions: PortOptions): never => {
  if (isSystemError(error)) return exitWith(`apogeemq: ${error.message}`)
  if (!(error instanceof ApogeeError)) throw error
  if (error.code !== 'NET_PORT_IN_USE') return exitWith(`apogeemq: ${error.message}`)
  const port = Number(/:(\d+) /.exec(error.message)?.[1])
  const option = portOptions.get(port)
  const hint = option === undefined ? '' : `; choose another port with ${option}`
  return exitWith(`apogeemq: ${errorText(error)}${hint}`)
}
