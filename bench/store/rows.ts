import { median, spreadPercent } from '../broker/table.ts'

export type FlushMode = 'async' | 'sync'
export type SystemName =
  | 'apogee-engine'
  | 'apogee-node'
  | 'java-like'
  | 'lmdb'
  | 'classic-level'
  | 'better-sqlite3'
  | 'fs'
  | 'device'

/** Systems that the C++ driver measures. */
export const driverSystems = ['apogee-engine', 'java-like', 'device'] as const satisfies readonly SystemName[]
export type DriverSystem = (typeof driverSystems)[number]
export const isDriverSystem = (system: SystemName): system is DriverSystem =>
  (driverSystems as readonly SystemName[]).includes(system)

/**
 * `closed`: each sender waits for its append. `paced`: groups of 32 at a fixed rate. `sustained`: groups of 32, no pause.
 * `retained`: the same with a log that keeps its size, an old segment is deleted for each that is filled.
 */
export type Load = 'closed' | 'paced' | 'sustained' | 'retained'

/** One measurement: a row of --json. */
export interface Row {
  readonly system: SystemName
  /** Of the engine: mapped, staged, staged-warm, pool, direct or direct-warm. Of the others: how they write, in a word. */
  readonly writePath: string
  readonly flush: FlushMode
  readonly load: Load
  readonly senders: number
  readonly bodyBytes: number
  /** Acknowledged appends. */
  readonly opsPerSecond: number
  /** From the call to the acknowledgement; with `paced` of a group of 32. */
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  /** Written by the device until everything acknowledged is durable, whoever wrote it. Null: see the reason. */
  readonly deviceBytesPerOp: number | null
  readonly deviceBytesReason: string | null
  /** User and system time of all threads of the process. */
  readonly cpuUsPerOp: number
  /** With mapped log files. */
  readonly residentBytes: number | null
  /** Heap, stacks and buffers only. */
  readonly anonymousBytes: number | null
  /** Of the measured time. */
  readonly seconds: number
  /** From 1. */
  readonly round: number
}

/** Every column of a row, in the order of the JSON file. */
export const rowColumns = [
  'system',
  'writePath',
  'flush',
  'load',
  'senders',
  'bodyBytes',
  'opsPerSecond',
  'p50Us',
  'p99Us',
  'p999Us',
  'maxUs',
  'deviceBytesPerOp',
  'deviceBytesReason',
  'cpuUsPerOp',
  'residentBytes',
  'anonymousBytes',
  'seconds',
  'round',
] as const satisfies readonly (keyof Row)[]

/** What one measuring process prints. -1 stands for what it could not find out. */
export interface RawMeasurement {
  readonly operations: number
  readonly seconds: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  readonly cpuUs: number
  readonly deviceBytes: number
  readonly residentBytes: number
  readonly anonymousBytes: number
}

/** Something that was to be measured and was not. */
export interface LeftOut {
  readonly what: string
  readonly reason: string
}

/** Medians of the rounds of one system in one cell. */
export interface Summary {
  readonly row: Row
  readonly rounds: number
  /** (largest - smallest) / median of opsPerSecond, in percent; 0 of one round. */
  readonly spreadPercent: number
}

const medianOf = (rows: readonly Row[], key: keyof Row): number => median(rows.map((row) => Number(row[key])))

const medianOrNull = (rows: readonly Row[], key: keyof Row): number | null => {
  const known = rows.filter((row) => row[key] !== null)
  return known.length === 0 ? null : medianOf(known, key)
}

const cellOf = (row: Row): string =>
  [row.system, row.writePath, row.flush, row.load, row.senders, row.bodyBytes].join(' ')

const summary = (rows: readonly Row[]): Summary => {
  const rates = rows.map((row) => row.opsPerSecond)
  return {
    rounds: rows.length,
    spreadPercent: spreadPercent(rates),
    row: {
      ...rows[0]!,
      opsPerSecond: median(rates),
      p50Us: medianOf(rows, 'p50Us'),
      p99Us: medianOf(rows, 'p99Us'),
      p999Us: medianOf(rows, 'p999Us'),
      maxUs: medianOf(rows, 'maxUs'),
      cpuUsPerOp: medianOf(rows, 'cpuUsPerOp'),
      deviceBytesPerOp: medianOrNull(rows, 'deviceBytesPerOp'),
      residentBytes: medianOrNull(rows, 'residentBytes'),
      anonymousBytes: medianOrNull(rows, 'anonymousBytes'),
    },
  }
}

/** One summary for each system and cell, in the order of the rows. */
export const summaries = (rows: readonly Row[]): Summary[] => {
  const cells = new Map<string, Row[]>()
  for (const row of rows) {
    const cell = cells.get(cellOf(row))
    if (cell === undefined) cells.set(cellOf(row), [row])
    else cell.push(row)
  }
  return [...cells.values()].map(summary)
}
