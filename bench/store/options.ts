import { parseArgs } from 'node:util'
import type { FlushMode, Load, SystemName } from './rows.ts'

export const allSystems: readonly SystemName[] = [
  'apogee-engine',
  'apogee-node',
  'java-like',
  'lmdb',
  'classic-level',
  'better-sqlite3',
  'fs',
  'device',
]
export const allWritePaths = ['mapped', 'staged', 'staged-warm', 'pool', 'direct', 'direct-warm'] as const
export type WritePath = (typeof allWritePaths)[number]

/** A checked command line of `npm run bench:store`. */
export interface BenchOptions {
  readonly systems: readonly SystemName[]
  readonly flushModes: readonly FlushMode[]
  readonly writePaths: readonly WritePath[]
  readonly senders: readonly number[]
  readonly bodyBytes: readonly number[]
  readonly loads: readonly Load[]
  /** Messages per second of the paced load. */
  readonly pacedRate: number
  readonly rounds: number
  /** Measured time of one cell of the matrix. */
  readonly seconds: number
  /** Measured time of a cell that is not of the matrix. */
  readonly longSeconds: number
  readonly warmUpSeconds: number
  readonly segmentBytes: number
  /** Of the warm paths, which begin with a whole segment made ready. */
  readonly warmSegmentBytes: number
  /** Memory of the engine's write paths that have a staging ring. */
  readonly stagingBytes: number
  /** A measurement ends early when it has written as much; not of the load `retained`. */
  readonly maxBytes: number
  /** Whether what needs a compiler may be built first. */
  readonly setUp: boolean
  readonly jsonFile: string | undefined
  readonly htmlFile: string | undefined
  /** Parent of the store directories; the folder of the build when undefined. */
  readonly dataDir: string | undefined
}

export const usage = `npm run bench:store -- [options]
  --quick             16 senders, 1 KB, one short round: under a minute
  --systems LIST      ${allSystems.join(',')} (all)
  --flush LIST        async,sync (both)
  --write-path LIST   of the engine: mapped,staged,staged-warm,pool,direct,direct-warm
                      (all that it has)
  --senders LIST      (1,16,64,256)
  --body LIST         bytes, or 1k, 64k (128,1k,4k,64k)
  --matrix            the cells above; with one of the next three: these too
  --paced RATE        async appends of 1 KB at RATE a second, across segments (150000)
  --sustained         async appends of 1 KB as fast as it goes, across segments
  --retained          the same on a log that keeps its size: old segments are deleted meanwhile
                      (with none of the last four: all of them)
  --rounds N          how often each cell is measured, systems in turn (2)
  --seconds S         measured seconds of a cell (2)
  --long-seconds S    measured seconds of a cell that is not of the matrix (10)
  --warm-up S         seconds of load before each measurement (0.3)
  --segment-mb N      size of one log file (256; warm paths 1024)
  --staging-mb N      memory of the paths staged, pool and direct, a power of two (64)
  --max-gb N          a measurement ends early when it has written as much (8), not with --retained
  --no-set-up         build nothing: leave out what is not built
  --json FILE         write the rows, one for each measurement
  --html FILE         write a report with charts that opens from disk
  --data DIR          parent of the store directories (default: bench/build)
`

const specs = {
  quick: { type: 'boolean', default: false },
  systems: { type: 'string' },
  flush: { type: 'string' },
  'write-path': { type: 'string' },
  senders: { type: 'string' },
  body: { type: 'string' },
  matrix: { type: 'boolean', default: false },
  paced: { type: 'string' },
  sustained: { type: 'boolean', default: false },
  retained: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  'long-seconds': { type: 'string' },
  'warm-up': { type: 'string' },
  'segment-mb': { type: 'string' },
  'staging-mb': { type: 'string', default: '64' },
  'max-gb': { type: 'string', default: '8' },
  'no-set-up': { type: 'boolean', default: false },
  json: { type: 'string' },
  html: { type: 'string' },
  data: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

const MAX_SECONDS = 600
const MAX_ROUNDS = 100
const MAX_SENDERS = 65_536
const MAX_BODY_BYTES = 4 << 20
const MAX_RATE = 10_000_000
const MAX_SEGMENT_MB = 2047
const MAX_STAGING_MB = 1024
const MAX_GB = 1000
const DEFAULT_RATE = '150000'
const WARM_SEGMENT_BYTES = 2 ** 30

const numberOf = (name: string, text: string, low: number, high: number): number => {
  const value = Number(text)
  if (text.trim() === '' || !(value >= low && value <= high)) {
    throw new RangeError(`--${name} must be a number from ${low} to ${high}, not "${text}"`)
  }
  return value
}

const wholeNumberOf = (name: string, text: string, low: number, high: number): number => {
  const value = numberOf(name, text, low, high)
  if (!Number.isInteger(value)) throw new RangeError(`--${name} must be a whole number, not "${text}"`)
  return value
}

const powerOfTwoOf = (name: string, text: string, high: number): number => {
  const value = wholeNumberOf(name, text, 1, high)
  if ((value & (value - 1)) !== 0) throw new RangeError(`--${name} must be a power of two, not "${text}"`)
  return value
}

const listOf = <T>(text: string, read: (word: string) => T): T[] => [
  ...new Set(text.split(',').map((word) => read(word.trim()))),
]

const oneOf =
  <T extends string>(name: string, allowed: readonly T[]) =>
  (text: string): T => {
    const found = allowed.find((word) => word === text)
    if (found === undefined) throw new RangeError(`--${name} must be among ${allowed.join(', ')}, not "${text}"`)
    return found
  }

const bodySize = (text: string): number => {
  const kilobytes = /^(\d+)k$/i.exec(text)
  return wholeNumberOf('body', kilobytes === null ? text : `${Number(kilobytes[1]) * 1024}`, 1, MAX_BODY_BYTES)
}

/** Defaults that --quick changes: [quick, otherwise]. */
const defaults = {
  senders: ['16', '1,16,64,256'],
  body: ['1k', '128,1k,4k,64k'],
  rounds: ['1', '2'],
  seconds: ['0.4', '2'],
  'long-seconds': ['1.5', '10'],
  'warm-up': ['0.1', '0.3'],
  'segment-mb': ['64', '256'],
} as const

/**
 * Reads the command line; undefined when it asks for help.
 * @throws RangeError or TypeError naming the option that is wrong.
 */
export const parseOptions = (args: readonly string[]): BenchOptions | undefined => {
  const { values } = parseArgs({ args: [...args], options: specs, strict: true, allowPositionals: false })
  if (values.help) return undefined
  const text = (name: keyof typeof defaults): string => values[name] ?? defaults[name][values.quick ? 0 : 1]
  const loads: Load[] = []
  if (values.matrix) loads.push('closed')
  if (values.paced !== undefined) loads.push('paced')
  if (values.sustained) loads.push('sustained')
  if (values.retained) loads.push('retained')
  const segmentBytes = wholeNumberOf('segment-mb', text('segment-mb'), 1, MAX_SEGMENT_MB) * 2 ** 20
  return {
    systems: listOf(values.systems ?? allSystems.join(','), oneOf('systems', allSystems)),
    flushModes: listOf(values.flush ?? 'async,sync', oneOf('flush', ['async', 'sync'])),
    writePaths: listOf(values['write-path'] ?? allWritePaths.join(','), oneOf('write-path', allWritePaths)),
    senders: listOf(text('senders'), (word) => wholeNumberOf('senders', word, 1, MAX_SENDERS)),
    bodyBytes: listOf(text('body'), bodySize),
    loads: loads.length === 0 ? ['closed', 'paced', 'sustained', 'retained'] : loads,
    pacedRate: wholeNumberOf('paced', values.paced ?? DEFAULT_RATE, 100, MAX_RATE),
    rounds: wholeNumberOf('rounds', text('rounds'), 1, MAX_ROUNDS),
    seconds: numberOf('seconds', text('seconds'), 0.05, MAX_SECONDS),
    longSeconds: numberOf('long-seconds', text('long-seconds'), 0.05, MAX_SECONDS),
    warmUpSeconds: numberOf('warm-up', text('warm-up'), 0, MAX_SECONDS),
    segmentBytes,
    warmSegmentBytes: values['segment-mb'] === undefined && !values.quick ? WARM_SEGMENT_BYTES : segmentBytes,
    stagingBytes: powerOfTwoOf('staging-mb', values['staging-mb'], MAX_STAGING_MB) * 2 ** 20,
    maxBytes: Math.round(numberOf('max-gb', values['max-gb'], 0.01, MAX_GB) * 2 ** 30),
    setUp: !values['no-set-up'],
    jsonFile: values.json,
    htmlFile: values.html,
    dataDir: values.data,
  }
}
