import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Where drivers are built and stores go by default. Ignored by git. */
export const buildDirectory = fileURLToPath(new URL('../build/', import.meta.url))

const sourceDirectory = fileURLToPath(new URL('./driver/', import.meta.url))
const driverDirectory = join(buildDirectory, 'store-driver')
/** What node-gyp made of the engine for the addon. */
const engineLibrary = fileURLToPath(new URL('../../build/Release/apogee_engine.a', import.meta.url))
const run = promisify(execFile)

const runs = (program: string): boolean => spawnSync(program, ['--version']).status === 0

/** Whether the C++ driver can be built here, and if not, why. */
export const driverAvailability = (): { available: true } | { available: false; reason: string } => {
  if (process.platform !== 'linux') return { available: false, reason: 'the C++ driver needs Linux (/proc, clocks)' }
  const missing = ['cmake', process.env.CXX ?? 'c++'].filter((program) => !runs(program))
  if (missing.length === 0) return { available: true }
  return {
    available: false,
    reason: `the C++ driver needs ${missing.join(' and ')} (Debian: apt-get install cmake g++)`,
  }
}

/**
 * Builds the driver where sources have changed, with the engine as it is in the addon, and returns the path of the
 * program.
 * @throws Error with the compiler's output.
 */
export const buildDriver = async (): Promise<string> => {
  await mkdir(driverDirectory, { recursive: true })
  const generator = runs('ninja') ? ['-G', 'Ninja'] : []
  const library = `-DAPOGEE_ENGINE_LIBRARY=${existsSync(engineLibrary) ? engineLibrary : ''}`
  await run('cmake', ['-S', sourceDirectory, '-B', driverDirectory, ...generator, library, '--log-level=WARNING'])
  await run('cmake', ['--build', driverDirectory, '--parallel', `${availableParallelism()}`], { maxBuffer: 1 << 26 })
  return join(driverDirectory, 'store_driver')
}

/** The write paths that the engine in the driver has. */
export const engineWritePaths = async (program: string): Promise<string[]> =>
  JSON.parse((await run(program, ['--list-write-paths'])).stdout) as string[]
