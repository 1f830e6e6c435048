import type { Cell } from './cells.ts'
import { type GeneratorReport, generate } from './generator.ts'
import type { FlushMode, RunningSystem, SystemName } from './systems.ts'
import { createTopic } from './topics.ts'

/** One measurement: a row of --json. */
export interface Row {
  readonly system: SystemName
  readonly flush: FlushMode
  readonly mode: 'send' | 'pull'
  readonly connections: number
  readonly inFlight: number
  readonly bodyBytes: number
  readonly sendStyle: 'coalesced' | 'single'
  readonly opsPerSecond: number
  readonly messagesPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  readonly errors: number
  readonly firstError: string | null
  /** Percent of one core. */
  readonly generatorCpu: number
  /** From 1. */
  readonly round: number
}

/** What the measurements of one started system have in common. */
export interface MeasurementPlan {
  readonly program: string
  readonly system: SystemName
  readonly flush: FlushMode
  readonly round: number
  readonly cells: readonly Cell[]
  readonly durationSeconds: number
  readonly warmUpSeconds: number
  readonly systemWarmUpSeconds: number
  /** A core for the generator alone. */
  readonly core: number | undefined
}

const QUEUES = 8
const SEND_TOPIC = 'BenchSend'
const PULL_TOPIC = 'BenchPull'
/** About 100 MB of records of 1 KB: hot data, and far more than what one pull takes from a queue. */
const PULLABLE_MESSAGES = 80_000
const FILL_SECONDS = 120

const cell1x256: Cell = { mode: 'send', connections: 1, inFlight: 256, bodyBytes: 1024, sendStyle: 'coalesced' }
const cell16x1: Cell = { ...cell1x256, connections: 16, inFlight: 1 }

const toRow = (plan: MeasurementPlan, report: GeneratorReport): Row => ({
  system: plan.system,
  flush: plan.flush,
  mode: report.mode,
  connections: report.connections,
  inFlight: report.inFlight,
  bodyBytes: report.bodyBytes,
  sendStyle: report.sendStyle,
  opsPerSecond: report.opsPerSecond,
  messagesPerSecond: report.messagesPerSecond,
  p50Us: report.p50Us,
  p99Us: report.p99Us,
  p999Us: report.p999Us,
  maxUs: report.maxUs,
  errors: report.errors,
  firstError: report.firstError,
  generatorCpu: report.generatorCpu,
  round: plan.round,
})

/** Warms a freshly started system up and measures every cell on it, one after the other. */
export const measure = async (
  plan: MeasurementPlan,
  running: RunningSystem,
  onRow: (row: Row) => Promise<void>,
): Promise<void> => {
  const load = (cell: Cell, seconds: number, warmUpSeconds: number, maxRequests?: number) =>
    generate(plan.program, {
      address: running.brokerAddress,
      topic: cell.mode === 'pull' || maxRequests !== undefined ? PULL_TOPIC : SEND_TOPIC,
      queues: QUEUES,
      cell,
      durationSeconds: seconds,
      warmUpSeconds,
      ...(maxRequests === undefined ? {} : { maxRequests }),
      ...(plan.core === undefined ? {} : { core: plan.core }),
    })
  await createTopic(running, SEND_TOPIC, QUEUES)
  if (plan.systemWarmUpSeconds > 0) {
    await load(cell1x256, plan.systemWarmUpSeconds / 2, 0)
    await load(cell16x1, plan.systemWarmUpSeconds / 2, 0)
  }
  let filled = false
  for (const cell of plan.cells) {
    if (cell.mode === 'pull' && !filled) {
      filled = true
      await createTopic(running, PULL_TOPIC, QUEUES)
      await load(cell1x256, FILL_SECONDS, 0, PULLABLE_MESSAGES)
    }
    await onRow(toRow(plan, await load(cell, plan.durationSeconds, plan.warmUpSeconds)))
  }
}
