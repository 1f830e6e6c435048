import { duration } from '../broker/table.ts'
import { bodyLabel, systemLabel } from './cells.ts'
import { type LeftOut, type Load, type Row, type Summary, summaries } from './rows.ts'

const columns = [
  'system',
  'senders',
  'body',
  'ops/s',
  'p50',
  'p99',
  'p99.9',
  'max',
  'device B/op',
  'CPU us/op',
  'resident MB',
  'anonymous MB',
  'spread',
] as const

const MEGABYTE = 2 ** 20

const count = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Microseconds below 10 with a decimal. */
const latency = (us: number): string => (us < 10 ? us.toFixed(1) : duration(us))

const megabytes = (bytes: number | null): string => (bytes === null ? '-' : (bytes / MEGABYTE).toFixed(0))

/** The columns of one summary, as text. */
export const tableCells = ({ row, rounds, spreadPercent }: Summary): string[] => [
  systemLabel(row),
  `${row.senders}`,
  bodyLabel(row.bodyBytes),
  count(row.opsPerSecond),
  latency(row.p50Us),
  latency(row.p99Us),
  latency(row.p999Us),
  latency(row.maxUs),
  row.deviceBytesPerOp === null ? '-' : count(row.deviceBytesPerOp),
  row.cpuUsPerOp.toFixed(2),
  megabytes(row.residentBytes),
  megabytes(row.anonymousBytes),
  rounds === 1 ? '-' : `${spreadPercent.toFixed(0)} %`,
]

export const tableColumns: readonly string[] = columns

const longLoadTitles: Readonly<Record<Exclude<Load, 'closed'>, string>> = {
  paced: 'paced: async appends in groups of 32 at a fixed rate, latency of a group',
  sustained: 'sustained: async appends in groups of 32 without a pause, latency of a group',
  retained: 'retained: the same on a log that keeps its size, latency of a group',
}

/** What one table is about: rows of different ones are not compared. */
export const sectionTitle = (row: Row): string =>
  row.load === 'closed' ? `${row.flush} flush` : longLoadTitles[row.load]

/** Summaries by section, in the order of the rows. */
export const sections = (rows: readonly Row[]): Map<string, Summary[]> => {
  const found = new Map<string, Summary[]>()
  for (const one of summaries(rows)) {
    const title = sectionTitle(one.row)
    found.set(title, [...(found.get(title) ?? []), one])
  }
  return found
}

const layOut = (lines: readonly (readonly string[])[]): string => {
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)))
  const pad = (text: string, at: number) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))
  return lines.map((cells) => cells.map(pad).join('  ')).join('\n')
}

/** The text that is printed at the end: a table for each section, then what was not measured. */
export const tables = (rows: readonly Row[], leftOut: readonly LeftOut[]): string => {
  const parts = [...sections(rows)].map(
    ([title, some]) =>
      `${title}, median of the rounds, latency in us unless marked\n${layOut([columns, ...some.map(tableCells)])}`,
  )
  if (leftOut.length > 0) {
    parts.push(`not measured\n${leftOut.map(({ what, reason }) => `  ${what}: ${reason}`).join('\n')}`)
  }
  return parts.join('\n\n')
}
