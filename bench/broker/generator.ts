import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Cell } from './cells.ts'

/** What the generator prints with --json. Times are microseconds. */
export interface GeneratorReport {
  readonly mode: 'send' | 'pull'
  readonly sendStyle: 'coalesced' | 'single'
  readonly connections: number
  readonly inFlight: number
  readonly bodyBytes: number
  /** Of the JSON header of a request. */
  readonly headerBytes: number
  readonly measuredSeconds: number
  /** Successful answers in the measured window. */
  readonly operations: number
  /** Records in those answers: as many as operations for sends. */
  readonly messages: number
  readonly opsPerSecond: number
  readonly messagesPerSecond: number
  readonly meanUs: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  /** The next four count over the whole run, warm-up included. */
  readonly sent: number
  readonly answered: number
  readonly unanswered: number
  readonly errors: number
  /** Answers by response code. */
  readonly responseCodes: Readonly<Record<string, number>>
  readonly firstError: string | null
  readonly bytesReceived: number
  /** Percent of one core that the generator used while it measured. Near 100 it is the limit itself. */
  readonly generatorCpu: number
}

/** One call of the generator. */
export interface GeneratorRun {
  /** host:port, loopback only. */
  readonly address: string
  readonly topic: string
  readonly queues: number
  readonly cell: Cell
  readonly durationSeconds: number
  readonly warmUpSeconds: number
  /** Ends the run after as many requests; by time only when undefined. */
  readonly maxRequests?: number
  /** How long late answers are waited for at the end. Default 5. */
  readonly drainSeconds?: number
  /** A core for the generator alone. */
  readonly core?: number
}

/** Where the generator is built, and where store directories go by default. Ignored by git. */
export const buildDirectory = fileURLToPath(new URL('../build/', import.meta.url))

const sourceDirectory = fileURLToPath(new URL('./loadgen/', import.meta.url))
const COMPILER = process.env.CXX ?? 'g++'
const FLAGS = ['-std=c++20', '-O2', '-Wall', '-Wextra']
/** After a run: connecting (5 s) and waiting for late answers (5 s), doubled. */
const GRACE_SECONDS = 20
const run = promisify(execFile)

/** Whether the generator can be built here, and if not, why. */
export const generatorAvailability = (): { available: true } | { available: false; reason: string } => {
  if (process.platform !== 'linux') return { available: false, reason: 'the load generator needs Linux (epoll)' }
  if (spawnSync(COMPILER, ['--version']).status !== 0) {
    return { available: false, reason: `no C++ compiler: ${COMPILER} is not on the path` }
  }
  return { available: true }
}

/**
 * Compiles the generator when its sources or flags have changed, and returns the path of the program.
 * @throws Error with the compiler's output.
 */
export const buildGenerator = async (): Promise<string> => {
  const names = (await readdir(sourceDirectory)).filter((name) => /\.(cc|h)$/.test(name)).sort()
  const hash = createHash('sha256').update([COMPILER, ...FLAGS].join(' '))
  for (const name of names) hash.update(`\n${name}\n`).update(await readFile(join(sourceDirectory, name)))
  const stamp = hash.digest('hex')
  const program = join(buildDirectory, 'loadgen')
  const stampFile = join(buildDirectory, 'loadgen.stamp')
  if (existsSync(program) && existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp) return program
  await mkdir(buildDirectory, { recursive: true })
  const sources = names.filter((name) => name.endsWith('.cc')).map((name) => join(sourceDirectory, name))
  const fresh = `${program}.${process.pid}`
  await run(COMPILER, [...FLAGS, '-o', fresh, ...sources])
  await rename(fresh, program)
  await writeFile(stampFile, stamp)
  return program
}

const argumentsOf = (options: GeneratorRun): string[] => {
  const { cell } = options
  const args = ['--json', '--address', options.address, '--topic', options.topic, '--queues', `${options.queues}`]
  args.push('--mode', cell.mode, '--connections', `${cell.connections}`, '--in-flight', `${cell.inFlight}`)
  args.push('--body', `${cell.bodyBytes}`, '--send-style', cell.sendStyle)
  args.push('--duration', `${options.durationSeconds}`, '--warm-up', `${options.warmUpSeconds}`)
  if (options.drainSeconds !== undefined) args.push('--drain', `${options.drainSeconds}`)
  if (options.maxRequests !== undefined) args.push('--max-requests', `${options.maxRequests}`)
  return args
}

/**
 * Runs the generator once.
 * @throws Error with its message when it cannot start or does not end.
 */
export const generate = async (program: string, options: GeneratorRun): Promise<GeneratorReport> => {
  const args = argumentsOf(options)
  const timeout = (options.durationSeconds + options.warmUpSeconds + GRACE_SECONDS) * 1000
  const command: [string, string[]] =
    options.core === undefined ? [program, args] : ['taskset', ['-c', `${options.core}`, program, ...args]]
  const { stdout } = await run(...command, { timeout, killSignal: 'SIGKILL' })
  return JSON.parse(stdout) as GeneratorReport
}
