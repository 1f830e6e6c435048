import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { javaAvailability } from '../../test/support/java-peers.ts'
import { cellName } from './cells.ts'
import { buildDirectory, buildGenerator, generatorAvailability } from './generator.ts'
import { type MeasurementPlan, measure, type Row } from './measurement.ts'
import { type BenchOptions, parseOptions, usage } from './options.ts'
import { type FlushMode, type SystemName, startSystem } from './systems.ts'
import { tables } from './table.ts'

const SERVER_CORE = 0
const GENERATOR_CORE = 1
/** After a Ctrl-C the servers have been told to end but may still write for a moment. */
const REMOVE = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }

const fail = (message: string): never => {
  console.error(`bench:broker: ${message}`)
  process.exit(1)
}

/** Servers started from here inherit the core; the generator gets its own. */
const pinServers = (): void => {
  const pinned = spawnSync('taskset', ['-a', '-c', '-p', `${SERVER_CORE}`, `${process.pid}`], { encoding: 'utf8' })
  if (pinned.status !== 0) fail(`--pin needs taskset and two cores: ${pinned.error?.message ?? pinned.stderr.trim()}`)
}

/** The systems that can run here; says loudly when the Java broker cannot. */
const runnableSystems = (wanted: readonly SystemName[]): readonly SystemName[] => {
  const java = javaAvailability()
  if (java.available || !wanted.includes('java')) return wanted
  if (wanted.length === 1) fail(`the Java broker cannot run here: ${java.reason}`)
  console.error(`bench:broker: THE JAVA BROKER IS NOT MEASURED, there will be no ratio: ${java.reason}`)
  return wanted.filter((name) => name !== 'java')
}

const writeRows = (file: string, rows: readonly Row[]): void =>
  writeFileSync(file, `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`)

const report = (row: Row): void => {
  const rate = Math.round(row.opsPerSecond).toLocaleString('en-US')
  const error = row.firstError === null ? '' : `  ${row.errors} errors, first: ${row.firstError}`
  console.error(`  ${cellName(row).padEnd(12)} ${rate.padStart(10)} /s${error}`)
}

/** Starts one system on an empty store, measures its cells, stops it and removes the store. */
const measureOnce = async (options: BenchOptions, plan: MeasurementPlan, onRow: (row: Row) => Promise<void>) => {
  const parent = options.dataDir ?? buildDirectory
  await mkdir(parent, { recursive: true })
  const dataDir = await mkdtemp(join(parent, `bench-${plan.system}-`))
  const removeAtExit = () => rmSync(dataDir, REMOVE)
  process.once('exit', removeAtExit)
  try {
    const running = await startSystem({ name: plan.system, flush: plan.flush, dataDir, javaHeap: options.javaHeap })
    try {
      await measure(plan, running, onRow)
    } finally {
      await running.stop()
    }
  } finally {
    await rm(dataDir, REMOVE)
    process.off('exit', removeAtExit)
  }
}

/** Pulls read what is in memory, whatever the flush mode: they are measured in the first mode only. */
const cellsFor = (options: BenchOptions, flush: FlushMode) =>
  flush === options.flushModes[0] ? options.cells : options.cells.filter((cell) => cell.mode !== 'pull')

const runAll = async (options: BenchOptions): Promise<Row[]> => {
  const rows: Row[] = []
  const program = await buildGenerator()
  const systems = runnableSystems(options.systems)
  if (options.pin) pinServers()
  for (const flush of options.flushModes) {
    const cells = cellsFor(options, flush)
    for (let round = 1; cells.length > 0 && round <= options.rounds; round++) {
      for (const system of systems) {
        console.error(`${system}, ${flush} flush, round ${round} of ${options.rounds}`)
        const { durationSeconds, warmUpSeconds, systemWarmUpSeconds } = options
        const core = options.pin ? GENERATOR_CORE : undefined
        const times = { durationSeconds, warmUpSeconds, systemWarmUpSeconds }
        await measureOnce(options, { program, system, flush, round, cells, core, ...times }, async (row) => {
          rows.push(row)
          report(row)
          if (options.jsonFile !== undefined) writeRows(options.jsonFile, rows)
        })
      }
    }
  }
  return rows
}

const parsedOptions = (): BenchOptions | undefined => {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`)
  }
}

// Not once: a second signal during the clean-up at exit would end it half-way.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const options = parsedOptions()
if (options === undefined) {
  console.log(usage)
} else {
  const generator = generatorAvailability()
  if (!generator.available) fail(generator.reason)
  console.log(`\n${tables(await runAll(options))}`)
}
