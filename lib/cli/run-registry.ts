import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { errorText } from '../base/errors.ts'

/** What a running server process is, as `mqshutdown` names it. */
export type ServerRole = 'broker' | 'namesrv'

/** A server process of this user. */
export interface RunningServer {
  readonly role: ServerRole
  readonly pid: number
}

/** Folder of this user that says which server processes run: one empty file `ROLE-PID` each. */
const registryDir = (): string =>
  process.env.XDG_RUNTIME_DIR
    ? join(process.env.XDG_RUNTIME_DIR, 'apogeemq')
    : join(tmpdir(), `apogeemq-${userInfo().uid}`)

const entryName = /^(broker|namesrv)-([1-9]\d{0,9})$/
/** One argument of our servers' command lines as /proc gives them: the program's file, also under its installed name. */
const programArgument = /(?:^|[/\0])(?:(?:apogeemq|mqbroker|mqnamesrv)(?:\.js)?|start\.mjs)\0/

/**
 * Notes that this process is a server; the returned function takes the note back. Where notes cannot be kept, as when
 * XDG_RUNTIME_DIR is another user's, the server runs all the same and this is said on stderr.
 */
export const registerServer = (roles: readonly ServerRole[]): (() => void) => {
  const dir = registryDir()
  const files = roles.map((role) => join(dir, `${role}-${process.pid}`))
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    for (const file of files) writeFileSync(file, '')
  } catch (error) {
    process.stderr.write(`apogeemq: mqshutdown will not find this process: ${errorText(error)}\n`)
    return () => undefined
  }
  return () => {
    for (const file of files) rmSync(file, { force: true })
  }
}

/** Servers of this role that run now. Notes of processes that are gone are removed. */
export const runningServers = (role: ServerRole): RunningServer[] => {
  const found: RunningServer[] = []
  for (const name of entriesOf(registryDir())) {
    const match = entryName.exec(name)
    if (match === null || match[1] !== role) continue
    const pid = Number(match[2])
    if (isOurs(pid)) found.push({ role, pid })
    else rmSync(join(registryDir(), name), { force: true })
  }
  return found
}

const entriesOf = (dir: string): string[] => {
  try {
    return readdirSync(dir)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '')

/** Whether the process lives and, where the system tells, still is one of ours (process ids are used again). */
const isOurs = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    if (process.platform !== 'linux') return true
    return programArgument.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch (error) {
    // Gone, also between the two looks; or its id is another user's process now.
    if (hasCode(error, 'ESRCH', 'ENOENT', 'EPERM')) return false
    throw error
  }
}
