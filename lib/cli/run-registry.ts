import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

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

const entryName = /^(broker|namesrv)-(\d{1,10})$/

/** Notes that this process is a server; the returned function takes the note back. */
export const registerServer = (roles: readonly ServerRole[]): (() => void) => {
  const dir = registryDir()
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const files = roles.map((role) => join(dir, `${role}-${process.pid}`))
  for (const file of files) writeFileSync(file, '')
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
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Whether the process lives and, where the system tells, still is one of ours (process ids are used again). */
const isOurs = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
  if (process.platform !== 'linux') return true
  return /apogeemq|mqbroker|mqnamesrv|start\.mjs/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
}
