import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { SystemName } from './rows.ts'

const require = createRequire(import.meta.url)

/** The package's directory, or undefined when it is not installed. */
const packageDirectory = (name: string): string | undefined => {
  for (const folder of require.resolve.paths(name) ?? []) {
    const directory = join(folder, name)
    if (existsSync(join(directory, 'package.json'))) return directory
  }
  return undefined
}

/** Node's headers beside the running executable, so that nothing is downloaded. */
const headerArguments = (): string[] => {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : []
}

const compile = (directory: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const gyp = require.resolve('node-gyp/bin/node-gyp.js')
    const child = spawn(process.execPath, [gyp, 'rebuild', '--release', '--loglevel=error', ...headerArguments()], {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MAKEFLAGS: '--silent' },
    })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) => {
      const lastLines = errors.trim().split('\n').slice(-3).join(' / ')
      resolve(code === 0 ? undefined : `compiling it failed (exit code ${code}): ${lastLines}`)
    })
  })

/**
 * Makes a peer ready; answers why it cannot be measured, undefined when it can. lmdb and classic-level bring their
 * binaries with them; better-sqlite3 is compiled once where `mayBuild`.
 */
export const setUpPeer = async (
  system: SystemName,
  mayBuild: boolean,
  progress: (line: string) => void,
): Promise<string | undefined> => {
  if (system !== 'lmdb' && system !== 'classic-level' && system !== 'better-sqlite3') return undefined
  const directory = packageDirectory(system)
  if (directory === undefined) return `the package ${system} is not installed (npm ci installs it)`
  if (system !== 'better-sqlite3') return undefined
  if (existsSync(join(directory, 'build', 'Release', 'better_sqlite3.node'))) return undefined
  if (!mayBuild) return 'better-sqlite3 is not compiled, and --no-set-up forbids it'
  progress('compiling better-sqlite3, once (about a minute) ...')
  return compile(directory)
}
