import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Cell, isWarm } from './cells.ts'
import type { DeviceStat } from './counters.ts'
import type { NodeRun } from './node-driver.ts'
import type { BenchOptions } from './options.ts'
import { isDriverSystem, type RawMeasurement, type Row } from './rows.ts'

/** Where and how cells are measured. */
export interface Bench {
  readonly options: BenchOptions
  /** The C++ driver; undefined when it cannot be built, and nothing that needs it is asked for. */
  readonly driver: string | undefined
  readonly dataDir: string
  readonly device: DeviceStat
}

const run = promisify(execFile)
const nodeDriver = fileURLToPath(new URL('./node-driver.ts', import.meta.url))
const packageRoot = fileURLToPath(new URL('../..', import.meta.url))
/** For opening, making everything durable and closing. */
const GRACE_MS = 120_000
const MS_PER_SECOND = 1000
const REMOVE = { recursive: true, force: true, maxRetries: 5 }

const secondsOf = (options: BenchOptions, cell: Cell): number =>
  cell.load === 'closed' ? options.seconds : options.longSeconds

const deviceFile = (device: DeviceStat): string => ('file' in device ? device.file : '')

/** A warm path stays within what was made ready: from the middle of a segment on the next one is filled. */
const sizesOf = (options: BenchOptions, cell: Cell): Pick<BenchOptions, 'segmentBytes' | 'maxBytes'> => {
  if (!isWarm(cell.writePath)) {
    return { segmentBytes: Math.min(options.segmentBytes, 0x7fffffff), maxBytes: options.maxBytes }
  }
  const segmentBytes = Math.min(options.warmSegmentBytes, 0x7fffffff)
  return { segmentBytes, maxBytes: Math.min(options.maxBytes, Math.floor(segmentBytes / 2)) }
}

const driverCommand = (bench: Bench, cell: Cell, directory: string): [string, string[]] => {
  const { options } = bench
  const args = ['--directory', directory, '--system', cell.system, '--flush', cell.flush, '--load', cell.load]
  if (cell.system === 'apogee-engine') {
    args.push('--write-path', cell.writePath, '--staging-bytes', `${options.stagingBytes}`)
  }
  args.push('--senders', `${cell.senders}`, '--body', `${cell.bodyBytes}`, '--rate', `${options.pacedRate}`)
  args.push('--seconds', `${secondsOf(options, cell)}`, '--warm-up', `${options.warmUpSeconds}`)
  const { segmentBytes, maxBytes } = sizesOf(options, cell)
  args.push('--segment-bytes', `${segmentBytes}`, '--max-bytes', `${maxBytes}`)
  args.push('--device-stat', deviceFile(bench.device))
  return [bench.driver!, args]
}

const nodeCommand = (bench: Bench, cell: Cell, directory: string): [string, string[]] => {
  const { options } = bench
  const { system, load, ...rest } = cell
  const nodeRun = {
    ...rest,
    system: system as NodeRun['system'],
    load: load as NodeRun['load'],
    seconds: secondsOf(options, cell),
    warmUpSeconds: options.warmUpSeconds,
    segmentBytes: options.segmentBytes,
    stagingBytes: options.stagingBytes,
    maxBytes: options.maxBytes,
    directory,
    deviceStat: deviceFile(bench.device),
  } satisfies NodeRun
  return [process.execPath, ['--import', 'tsx', nodeDriver, JSON.stringify(nodeRun)]]
}

const toRow = (bench: Bench, cell: Cell, round: number, raw: RawMeasurement): Row => ({
  ...cell,
  opsPerSecond: raw.operations / raw.seconds,
  p50Us: raw.p50Us,
  p99Us: raw.p99Us,
  p999Us: raw.p999Us,
  maxUs: raw.maxUs,
  deviceBytesPerOp: raw.deviceBytes < 0 ? null : raw.deviceBytes / raw.operations,
  deviceBytesReason: 'reason' in bench.device ? bench.device.reason : null,
  cpuUsPerOp: raw.cpuUs / raw.operations,
  residentBytes: raw.residentBytes < 0 ? null : raw.residentBytes,
  anonymousBytes: raw.anonymousBytes < 0 ? null : raw.anonymousBytes,
  seconds: raw.seconds,
  round,
})

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''

/**
 * Measures one cell once: a process of its own on an empty directory, which is removed.
 * @throws Error with the last line the process wrote.
 */
export const measureCell = async (bench: Bench, cell: Cell, round: number): Promise<Row> => {
  const directory = await mkdtemp(join(bench.dataDir, `store-${cell.system}-`))
  const { options } = bench
  const [program, args] = (isDriverSystem(cell.system) ? driverCommand : nodeCommand)(bench, cell, directory)
  const timeout = (secondsOf(options, cell) + options.warmUpSeconds) * MS_PER_SECOND + GRACE_MS
  const running = run(program, args, { cwd: packageRoot, timeout, killSignal: 'SIGKILL' })
  const endNow = () => {
    running.child.kill('SIGKILL')
    rmSync(directory, REMOVE)
  }
  process.once('exit', endNow)
  try {
    const { stdout } = await running
    const raw = JSON.parse(lastLine(stdout)) as RawMeasurement
    if (raw.operations === 0) throw new Error('nothing was acknowledged in the measured time')
    return toRow(bench, cell, round, raw)
  } catch (error) {
    const { stderr, killed } = error as { stderr?: string; killed?: boolean }
    if (killed === true) throw new Error(`did not end within ${timeout} ms`, { cause: error })
    const said = (stderr ?? '').split('\n').find((line) => /^(\w*Error\b|store_driver:)/.test(line))
    throw said === undefined ? error : new Error(said.trim(), { cause: error })
  } finally {
    process.off('exit', endNow)
    await rm(directory, REMOVE)
  }
}
