import { parseArgs } from 'node:util'
import { type Cell, defaultCells, parseCells, quickCells } from './cells.ts'
import type { FlushMode, SystemName } from './systems.ts'

/** A checked command line of `npm run bench:broker`. */
export interface BenchOptions {
  readonly systems: readonly SystemName[]
  readonly flushModes: readonly FlushMode[]
  readonly cells: readonly Cell[]
  readonly rounds: number
  /** Measured time of one cell. */
  readonly durationSeconds: number
  /** Unmeasured time before each cell. */
  readonly warmUpSeconds: number
  /** Unmeasured load on a system after its start. */
  readonly systemWarmUpSeconds: number
  /** Server on core 0, generator on core 1. */
  readonly pin: boolean
  /** Java heap, for -Xms and -Xmx. */
  readonly javaHeap: string
  /** Where the rows go as JSON; none when undefined. */
  readonly jsonFile: string | undefined
  /** Parent of the store directories; the folder of the build when undefined. */
  readonly dataDir: string | undefined
}

export const usage = `npm run bench:broker -- [options]
  --quick            two cells (1x256, 16x1), 2 s each, async flush only
  --cells LIST       for example 1x256,16x1,1x256@128,1x256/single,pull-4 (default: all eleven of docs/benchmarks.md)
  --flush LIST       async,sync (default: both; async with --quick)
  --rounds N         how often each system is started and measured (2)
  --only ours|java   leave the other one out
  --duration S       measured seconds of a cell (6)
  --warm-up S        seconds of load before each cell (1)
  --system-warm-up S seconds of load after each start (10; 4 with --quick)
  --json FILE        write the rows, one for each measurement
  --pin              servers on core 0, generator on core 1
  --java-heap SIZE   heap of the Java broker (4g)
  --data DIR         parent of the store directories (default: bench/build)
`

const specs = {
  quick: { type: 'boolean', default: false },
  cells: { type: 'string' },
  flush: { type: 'string' },
  rounds: { type: 'string', default: '2' },
  only: { type: 'string' },
  duration: { type: 'string' },
  'warm-up': { type: 'string', default: '1' },
  'system-warm-up': { type: 'string' },
  json: { type: 'string' },
  pin: { type: 'boolean', default: false },
  'java-heap': { type: 'string', default: '4g' },
  data: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

const MAX_SECONDS = 600
const MAX_ROUNDS = 100

const numberOf = (name: string, text: string, low: number, high: number): number => {
  const value = Number(text)
  if (text === '' || !(value >= low && value <= high)) {
    throw new RangeError(`--${name} must be a number from ${low} to ${high}, not "${text}"`)
  }
  return value
}

const oneOf = <T extends string>(name: string, text: string, allowed: readonly T[]): T => {
  const found = allowed.find((word) => word === text)
  if (found === undefined) throw new RangeError(`--${name} must be one of ${allowed.join(', ')}, not "${text}"`)
  return found
}

/**
 * Reads the command line; undefined when it asks for help.
 * @throws RangeError or TypeError naming the option that is wrong.
 */
export const parseOptions = (args: readonly string[]): BenchOptions | undefined => {
  const { values } = parseArgs({ args: [...args], options: specs, strict: true, allowPositionals: false })
  if (values.help) return undefined
  const { quick } = values
  const rounds = numberOf('rounds', values.rounds, 1, MAX_ROUNDS)
  if (!Number.isInteger(rounds)) throw new RangeError('--rounds must be a whole number')
  if (!/^\d+[mgMG]$/.test(values['java-heap'])) throw new RangeError('--java-heap must look like 4g or 2048m')
  const flush = values.flush ?? (quick ? 'async' : 'async,sync')
  return {
    systems: values.only === undefined ? ['ours', 'java'] : [oneOf('only', values.only, ['ours', 'java'])],
    flushModes: flush.split(',').map((word) => oneOf('flush', word.trim(), ['async', 'sync'])),
    cells: values.cells === undefined ? (quick ? quickCells : defaultCells) : parseCells(values.cells),
    rounds,
    durationSeconds: numberOf('duration', values.duration ?? (quick ? '2' : '6'), 0.1, MAX_SECONDS),
    warmUpSeconds: numberOf('warm-up', values['warm-up'], 0, MAX_SECONDS),
    systemWarmUpSeconds: numberOf('system-warm-up', values['system-warm-up'] ?? (quick ? '4' : '10'), 0, MAX_SECONDS),
    pin: values.pin,
    javaHeap: values['java-heap'],
    jsonFile: values.json,
    dataDir: values.data,
  }
}
