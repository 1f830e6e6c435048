import { errorText } from '../base/errors.ts'
import type { Stoppable } from '../base/lifecycle.ts'
import { registerServer, type ServerRole } from './run-registry.ts'

/** How long a stop may take before the process ends anyway. */
const STOP_LIMIT_MS = 10_000

/** Ends the process with one line on stderr. */
export const exitWith = (line: string, exitCode = 1): never => {
  process.stderr.write(`${line}\n`)
  process.exit(exitCode)
}

/**
 * Starts a server, prints its ready line, and stops it on SIGTERM or SIGINT: exit code 0 after a clean stop, 1 when it
 * failed or took longer than 10 s.
 */
export const runServer = async (
  roles: readonly ServerRole[],
  start: () => Promise<{ readonly server: Stoppable; readonly readyLine: string }>,
): Promise<void> => {
  let stopAsked = false
  let stop: (() => void) | undefined
  const onSignal = (): void => {
    stopAsked = true
    stop?.()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  const { server, readyLine } = await start()
  const unregister = registerServer(roles)
  stop = once(() => {
    const limit = setTimeout(() => exitWith('apogeemq: the stop took longer than 10 s'), STOP_LIMIT_MS)
    Promise.resolve(server.stop()).then(
      () => {
        clearTimeout(limit)
        unregister()
        process.exit(0)
      },
      (error: unknown) => {
        unregister()
        exitWith(`apogeemq: ${errorText(error)}`)
      },
    )
  })
  process.stdout.write(`${readyLine}\n`)
  if (stopAsked) stop()
}

const once = (action: () => void): (() => void) => {
  let done = false
  return () => {
    if (done) return
    done = true
    action()
  }
}
