import { mkdirSync, writeFileSync } from 'node:fs'
import { type Cell, cellGroups, systemLabel } from './cells.ts'
import { findDevice } from './counters.ts'
import { buildDirectory, buildDriver, driverAvailability, engineWritePaths } from './driver.ts'
import { type Bench, measureCell } from './measurement.ts'
import { type BenchOptions, parseOptions, usage } from './options.ts'
import { setUpPeer } from './peer-set-up.ts'
import { htmlReport } from './report.ts'
import { isDriverSystem, type LeftOut, type Row, type SystemName } from './rows.ts'
import { tables } from './table.ts'

const tell = (line: string): void => console.error(`bench:store: ${line}`)

const fail = (message: string): never => {
  tell(message)
  process.exit(1)
}

/** What a run has brought so far; written after each measurement, so that a run that is ended early is of use. */
class Results {
  readonly rows: Row[] = []
  readonly leftOut: LeftOut[] = []
  failed = false
  readonly #options: BenchOptions

  constructor(options: BenchOptions) {
    this.#options = options
  }

  leave(what: string, reason: string): void {
    if (this.leftOut.some((one) => one.what === what && one.reason === reason)) return
    this.leftOut.push({ what, reason })
    tell(`NOT MEASURED: ${what}: ${reason}`)
  }

  write(): void {
    const { jsonFile, htmlFile } = this.#options
    const lines = this.rows.map((row) => JSON.stringify(row)).join(',\n')
    if (jsonFile !== undefined) writeFileSync(jsonFile, `[\n${lines}\n]\n`)
    if (htmlFile !== undefined) writeFileSync(htmlFile, htmlReport(this.rows, this.leftOut, Date.now()))
  }
}

/** The C++ driver, unless nobody needs it or it cannot be built. */
const readyDriver = async (options: BenchOptions, results: Results): Promise<string | undefined> => {
  const users = options.systems.filter((system) => isDriverSystem(system) || system === 'apogee-node')
  if (users.length === 0) return undefined
  const availability = driverAvailability()
  if (availability.available) {
    tell('building the C++ driver where it is stale ...')
    return buildDriver()
  }
  for (const system of users.filter(isDriverSystem)) results.leave(system, availability.reason)
  return undefined
}

const readySystems = async (options: BenchOptions, driver: string | undefined, results: Results) => {
  const ready: SystemName[] = []
  for (const system of options.systems) {
    if (isDriverSystem(system) && driver === undefined) continue
    const reason = await setUpPeer(system, options.setUp, tell)
    if (reason === undefined) ready.push(system)
    else results.leave(system, reason)
  }
  return ready
}

const describe = (cell: Cell): string =>
  `${systemLabel(cell)}, ${cell.flush}, ${cell.load === 'closed' ? `${cell.senders} senders, ${cell.bodyBytes} B` : cell.load}`

const measureOnce = async (bench: Bench, cell: Cell, round: number, results: Results): Promise<void> => {
  try {
    const row = await measureCell(bench, cell, round)
    results.rows.push(row)
    const rate = Math.round(row.opsPerSecond).toLocaleString('en-US')
    tell(`${describe(cell).padEnd(56)} ${rate.padStart(12)} /s  p99.9 ${row.p999Us.toFixed(1)} us`)
  } catch (error) {
    // Not every file system has direct I/O.
    results.failed ||= cell.writePath !== 'direct'
    results.leave(describe(cell), (error as Error).message)
  }
}

/** Every cell, A/B/A/B: within a cell and round the systems take turns. */
const runAll = async (options: BenchOptions, results: Results): Promise<void> => {
  const driver = await readyDriver(options, results)
  const systems = await readySystems(options, driver, results)
  const known = driver === undefined ? ['mapped'] : await engineWritePaths(driver)
  if (systems.some((system) => system.startsWith('apogee'))) {
    for (const path of options.writePaths.filter((one) => !known.includes(one))) {
      results.leave(`write path ${path}`, 'this engine does not have it')
    }
  }
  const dataDir = options.dataDir ?? buildDirectory
  mkdirSync(dataDir, { recursive: true })
  const bench: Bench = { options, driver, dataDir, device: findDevice(dataDir) }
  for (const group of cellGroups({ ...options, systems }, known)) {
    for (let round = 1; round <= options.rounds; round++) {
      for (const cell of group) {
        await measureOnce(bench, cell, round, results)
        results.write()
      }
    }
  }
  results.write()
}

const parsedOptions = (): BenchOptions | undefined => {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`)
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const options = parsedOptions()
if (options === undefined) {
  console.log(usage)
} else {
  const results = new Results(options)
  await runAll(options, results)
  console.log(`\n${tables(results.rows, results.leftOut)}`)
  if (results.failed) process.exitCode = 1
}
