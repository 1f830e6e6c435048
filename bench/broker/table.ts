import { type Cell, cellName } from './cells.ts'
import type { Row } from './measurement.ts'
import type { SystemName } from './systems.ts'

/** The middle of the values, or the mean of the two middle ones; NaN of none. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  return upper === undefined || lower === undefined ? Number.NaN : (lower + upper) / 2
}

/** How far the rounds are apart: (largest - smallest) / median, in percent. */
export const spreadPercent = (values: readonly number[]): number =>
  ((Math.max(...values) - Math.min(...values)) / median(values)) * 100

const columns = ['cell', 'ours /s', 'Java /s', 'ratio', 'ours p50/p99/p99.9', 'Java p50/p99/p99.9', 'spread', 'errors']

const count = (value: number): string => (Number.isNaN(value) ? '-' : Math.round(value).toLocaleString('en-US'))

/** Microseconds as people read them: 98, 1.4 ms, 2.1 s. */
export const duration = (us: number): string => {
  if (us < 1000) return `${Math.round(us)}`
  return us < 1_000_000 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1_000_000).toFixed(1)} s`
}

const latencies = (rows: readonly Row[]): string =>
  rows.length === 0
    ? '-'
    : (['p50Us', 'p99Us', 'p999Us'] as const).map((key) => duration(median(rows.map((row) => row[key])))).join(' / ')

const line = (name: string, rows: readonly Row[]): string[] => {
  const of = (system: SystemName) => rows.filter((row) => row.system === system)
  const rate = (system: SystemName) => of(system).map((row) => row.opsPerSecond)
  const ours = median(rate('ours'))
  const java = median(rate('java'))
  const spreads = [rate('ours'), rate('java')].filter((values) => values.length > 1).map(spreadPercent)
  const ratio = ours / java
  return [
    name,
    count(ours),
    count(java),
    Number.isNaN(ratio) ? '-' : `${ratio.toFixed(2)}x`,
    latencies(of('ours')),
    latencies(of('java')),
    spreads.length === 0 ? '-' : `${Math.max(...spreads).toFixed(0)} %`,
    count(rows.reduce((sum, row) => sum + row.errors, 0)),
  ]
}

const nameOf = (row: Row): string => cellName(row satisfies Cell)

const layOut = (lines: readonly (readonly string[])[]): string => {
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)))
  const pad = (text: string, at: number) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))
  return lines.map((cells) => cells.map(pad).join('  ')).join('\n')
}

/** One table for each flush mode: medians of the rounds, and ours divided by Java's. */
export const tables = (rows: readonly Row[]): string => {
  const flushModes = [...new Set(rows.map((row) => row.flush))]
  return flushModes
    .map((flush) => {
      const some = rows.filter((row) => row.flush === flush)
      const names = [...new Set(some.map(nameOf))]
      const lines = names.map((name) =>
        line(
          name,
          some.filter((row) => nameOf(row) === name),
        ),
      )
      return `${flush} flush, median of the rounds, requests/s, latency in us unless marked\n${layOut([columns, ...lines])}`
    })
    .join('\n\n')
}
